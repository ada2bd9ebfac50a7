import { describe, expect, test } from 'vitest'
import { mirrorEndpoints, parseMirror } from '../../../src/registry/mirror.ts'

const nginx = { registry: 'docker.io', repository: 'library/nginx' }
const endpoints = (text: string, reference = nginx) =>
  mirrorEndpoints(parseMirror(text), reference, '--mirror')

test.each([
  ['https://m.example', 'docker.io', 'https://m.example/'],
  ['m.example', 'docker.io', 'https://m.example/'],
  ['m.example:5000/a', 'docker.io', 'https://m.example:5000/a'],
  ['  https://m.example  ', 'docker.io', 'https://m.example/'],
  ['http://m.example', 'docker.io', 'http://m.example/'],
  ['HTTPS://M.example', 'docker.io', 'https://m.example/'],
  ['docker.io=https://m.example', 'docker.io', 'https://m.example/'],
  ['index.docker.io=m.example', 'docker.io', 'https://m.example/'],
  ['registry-1.docker.io=m.example', 'docker.io', 'https://m.example/'],
  ['ghcr.io=https://m.example/x', 'ghcr.io', 'https://m.example/x'],
  ['localhost:5000=http://m.example', 'localhost:5000', 'http://m.example/'],
  ['https://m.example/a=b', 'docker.io', 'https://m.example/a=b'],
])('%s mirrors %s at %s', (text, registry, url) => {
  const mirror = parseMirror(text)
  expect([mirror.registry, mirror.url.href]).toEqual([registry, url])
})

describe('what is no mirror', () => {
  test.each([
    ['', 'that is no URL'],
    ['ghcr.io=', 'that is no URL'],
    ['=https://m.example', 'the name of a registry'],
    ['not a host=https://m.example', 'the name of a registry'],
    ['https://', 'that is no URL'],
    ['ghcr.io==https://m.example', 'one = too many'],
    ['ftp://m.example', 'it must be https:// or http://'],
    ['https://m.example/?x=y', 'without ? and #'],
    ['https://m.example/#x', 'without ? and #'],
  ])('is refused: %j, for %s', (text, problem) => {
    expect(() => parseMirror(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(problem) }),
    )
  })

  test.each([
    'https://user:hunter2@m.example',
    'ghcr.io=https://user:hunter2@m.example/x',
    'user:hunter2@m.example',
    'https://user:hunter2/@m.example',
    'https://hunter2@m.example/?x',
    'ftp://user:hunter2@m.example',
  ])('%s is refused without a word of the secret', (text) => {
    const problem = (() => {
      try {
        parseMirror(text)
      } catch (error) {
        return error as { code: string; message: string; hint: string }
      }
      return undefined
    })()
    expect(problem?.code).toBe('USAGE')
    expect(`${problem?.message} ${problem?.hint}`).not.toContain('hunter2')
  })

  test('with a secret in it is told about dray login', () => {
    expect(() => parseMirror('https://u:p@m.example:5000')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('dray login m.example:5000') }),
    )
  })
})

test.each([
  ['https://m.example', [['https://m.example/v2/', 'library/nginx']]],
  ['https://m.example/v2', [['https://m.example/v2/', 'library/nginx']]],
  ['https://m.example/v2/', [['https://m.example/v2/', 'library/nginx']]],
  ['https://m.example/v2/hub-proxy', [['https://m.example/v2/', 'hub-proxy/library/nginx']]],
  ['https://m.example/a/v2/b/c', [['https://m.example/a/v2/', 'b/c/library/nginx']]],
  [
    'https://m.example:8443/a/b/',
    [
      ['https://m.example:8443/a/b/v2/', 'library/nginx'],
      ['https://m.example:8443/v2/', 'a/b/library/nginx'],
    ],
  ],
])('%s serves nginx at %j', (text, expected) => {
  expect(endpoints(text).map(({ root, repository }) => [root.href, repository])).toEqual(expected)
})

test('a mirror has credentials of its own and is told what it stands for', () => {
  expect(endpoints('m.example:5000/x')).toMatchObject([
    { registry: 'm.example:5000', namespace: 'docker.io', source: '--mirror' },
    { registry: 'm.example:5000', namespace: 'docker.io', source: '--mirror' },
  ])
})

test.each([
  ['localhost:5000', 'http://localhost:5000/v2/'],
  ['http://localhost:5000', undefined],
  ['m.example:5000', undefined],
])('%s may be asked without TLS at %s', (text, expected) => {
  expect(endpoints(text)[0]?.withoutTls?.href).toBe(expected)
})

test.each([
  ['ghcr.io', 'ghcr.io:443'],
  ['ghcr.io:443', 'ghcr.io'],
  ['GHCR.io', 'ghcr.io'],
  ['Index.Docker.io', 'docker.io'],
])('a mirror of %s serves %s, whose name is the one that it hears', (mirrored, registry) => {
  const found = endpoints(`${mirrored}=m.example`, { registry, repository: 'a' })
  expect(found).toMatchObject([{ repository: 'a', namespace: registry }])
})

test.each(['ghcr.io:5000', 'sub.ghcr.io', 'ghcr.io:4430'])(
  'a mirror of ghcr.io is none of %s',
  (registry) => {
    expect(endpoints('ghcr.io=m.example', { registry, repository: 'a' })).toEqual([])
  },
)

test('a mirror of another registry serves nothing', () => {
  expect(endpoints('ghcr.io=m.example')).toEqual([])
  expect(endpoints('m.example', { registry: 'ghcr.io', repository: 'a' })).toEqual([])
})
