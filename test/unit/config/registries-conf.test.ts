import { describe, expect, test } from 'vitest'
import { registriesConfEndpoints } from '../../../src/config/registries-conf.ts'
import { decodeRegistriesConf } from '../../../src/config/registries-conf-decode.ts'
import { parseReference } from '../../../src/oci/reference.ts'
import { showEndpoints } from '../../support/show-endpoints.ts'

const file = '/etc/containers/registries.conf'
const digest = `sha256:${'a'.repeat(64)}`

/** As in containers-registries.conf(5), EXAMPLE. */
const manual = `
unqualified-search-registries = ["example.com"]

[[registry]]
prefix = "example.com/foo"
insecure = false
blocked = false
location = "internal-registry-for-example.com/bar"

[[registry.mirror]]
location = "example-mirror-0.local/mirror-for-foo"

[[registry.mirror]]
location = "example-mirror-1.local/mirrors/foo"
insecure = true

[[registry]]
location = "registry.com"

[[registry.mirror]]
location = "mirror.registry.com"
`

describe("the manual's example", () => {
  test('gives the mirrors, then the location, in order', () => {
    expect(showEndpoints(find(manual, 'example.com/foo/image:latest'))).toEqual([
      'https://example-mirror-0.local/v2/mirror-for-foo/image',
      'https://example-mirror-1.local/v2/mirrors/foo/image',
      'https://internal-registry-for-example.com/v2/bar/image',
    ])
  })

  test('has a mirror for the registry that it belongs to only', () => {
    expect(showEndpoints(find(manual, 'registry.com/image:latest'))).toEqual([
      'https://mirror.registry.com/v2/image',
      'https://registry.com/v2/image',
    ])
  })

  test.each(['example.com/foobar', 'example.com/other', 'nginx'])('says nothing of %s', (name) => {
    expect(find(manual, name)).toBeUndefined()
  })

  test('tells where each came from, whose credentials are for it, and how it is trusted', () => {
    const [plain, insecure] = find(manual, 'example.com/foo/image') ?? []
    expect(plain).toEqual({
      root: new URL('https://example-mirror-0.local/v2/'),
      registry: 'example-mirror-0.local',
      repository: 'mirror-for-foo/image',
      source: file,
    })
    expect(insecure).toEqual({
      root: new URL('https://example-mirror-1.local/v2/'),
      registry: 'example-mirror-1.local',
      repository: 'mirrors/foo/image',
      tls: { insecure: true },
      withoutTls: new URL('http://example-mirror-1.local/v2/'),
      source: file,
    })
  })

  test('leaves the registry itself without a source', () => {
    expect(find(manual, 'registry.com/image')?.at(-1)).not.toHaveProperty('source')
  })
})

describe('the prefix', () => {
  test.each([
    ['example.com', 'example.com/a', true],
    ['example.com', 'example.com:5000/a', true],
    ['example.com', 'example.community/a', false],
    ['example.com:5000', 'example.com:5000/a', true],
    ['example.com:5000', 'example.com:50001/a', false],
    ['example.com:5000', 'example.com/a', false],
    ['example.com/a', 'example.com/a', true],
    ['example.com/a', 'example.com/a/b:1', true],
    ['example.com/a', 'example.com/ab', false],
    ['example.com/a:1', 'example.com/a:1', true],
    ['example.com/a:1', 'example.com/a:10', false],
    [`example.com/a@${digest}`, `example.com/a@${digest}`, true],
    ['example.com/', 'example.com/a', true],
    ['docker.io', 'nginx', true],
    ['docker.io/library', 'nginx', true],
    ['docker.io/nginx', 'nginx', false],
    ['docker.io/library/nginx', 'nginx:1', true],
    ['docker.io/library', 'org/app', false],
    ['*.example.com', 'a.example.com/x', true],
    ['*.example.com', 'a.b.c.example.com:5000/x', true],
    ['*.example.com', 'example.com/x', false],
    ['*.example.com', 'badexample.com/x', false],
    ['*.example.com', 'a.example.com.evil.org/x', false],
    ['*.example.com', 'evil.org/a.example.com/x', false],
  ])('%s matches %s: %s', (prefix, name, matches) => {
    const blocked = () =>
      find(`[[registry]]\nprefix = "${prefix}"\nlocation = "l.example"\nblocked = true`, name)
    if (matches) expect(blocked).toThrow(/blocked/)
    else expect(blocked()).toBeUndefined()
  })

  test('that is longest wins, wherever it stands', () => {
    const prefixes = ['*.example.com', 'aa.example.com/org', 'aa.example.com', '*.aa.example.com']
    const text = prefixes
      .map((prefix, i) => `[[registry]]\nprefix = "${prefix}"\nlocation = "m${i}.local"`)
      .join('\n')
    const winner = (name: string) => find(text, name)?.[0]?.registry
    expect(winner('aa.example.com/org/x')).toBe('m1.local')
    expect(winner('aa.example.com/x')).toBe('m2.local')
    expect(winner('b.example.com/x')).toBe('m0.local')
    expect(winner('b.aa.example.com/x')).toBe('m3.local')
  })
})

describe('the location', () => {
  test.each([
    ['docker.io', 'mirror.local/hub', 'nginx', 'https://mirror.local/v2/hub/library/nginx'],
    ['docker.io/library', 'quay.io/official', 'nginx', 'https://quay.io/v2/official/nginx'],
    ['example.com/a', 'docker.io/org/a', 'example.com/a', 'https://registry-1.docker.io/v2/org/a'],
    ['example.com', 'docker.io', 'example.com/a', 'https://registry-1.docker.io/v2/library/a'],
    ['example.com', 'other.com', 'example.com:5000/a', 'https://other.com:5000/v2/a'],
    ['example.com/a', 'm.local:5000/b/c/', 'example.com/a/d', 'https://m.local:5000/v2/b/c/d'],
    ['*.example.com', 'm.local/x', 'a.b.example.com/c/d', 'https://m.local/v2/x/c/d'],
    ['example.com/a:1', 'm.local/b:1', 'example.com/a:1', 'https://m.local/v2/b'],
  ])('%s → %s: %s is at %s', (prefix, location, name, endpoint) => {
    const text = `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"`
    expect(showEndpoints(find(text, name))).toEqual([endpoint])
  })

  test('may be missing for a wildcard, and the name stays as it is', () => {
    const text = `[[registry]]\nprefix = "*.example.com"\ninsecure = true\n[[registry.mirror]]\nlocation = "m.local/x"`
    expect(showEndpoints(find(text, 'a.example.com/b'))).toEqual([
      'https://m.local/v2/x/b',
      'https://a.example.com/v2/b',
    ])
    expect(find(text, 'a.example.com/b')?.map(({ tls }) => tls?.insecure)).toEqual([undefined, true])
  })

  test.each([
    ['mirror/hub', 'a host without a dot would be an organisation on Docker Hub'],
    ['m.local:99999', 'there is no such port'],
    ['m.local/UPPER', 'no repository has such a name'],
    ['u:hunter2@m.local', 'it is no name of a registry'],
  ])('%s is left out with a warning: %s', (location) => {
    const warnings: string[] = []
    const text = `[[registry]]\nlocation = "example.com"\n[[registry.mirror]]\nlocation = "${location}"`
    expect(showEndpoints(find(text, 'example.com/a:1', (message) => warnings.push(message)))).toEqual([
      'https://example.com/v2/a',
    ])
    const shown = location.replace('u:hunter2@', '')
    expect(warnings).toEqual([expect.stringContaining(`${file}: the location "${shown}"`)])
  })
})

test('a location with another tag is left out with a warning: another image would come', () => {
  const warnings: string[] = []
  const text = '[[registry]]\nprefix = "example.com/a:1"\nlocation = "m.local/b:2"'
  expect(find(text, 'example.com/a:1', (message) => warnings.push(message))).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining('makes no name of this image out of example.com/a:1')])
})

describe('mirrors for some pulls only', () => {
  const mirrors = (settings: string, ...choices: string[]) =>
    `[[registry]]\nlocation = "example.com"\n${settings}\n${choices
      .map((choice, i) => `[[registry.mirror]]\nlocation = "m${i}.local"\n${choice}`)
      .join('\n')}`
  const choices = ['all', 'digest-only', 'tag-only', ''].map((choice) => `pull-from-mirror = "${choice}"`)

  test.each([
    ['example.com/a:1', mirrors('', ...choices), ['m0.local', 'm2.local', 'm3.local', 'example.com']],
    [`example.com/a@${digest}`, mirrors('', ...choices), ['m0.local', 'm1.local', 'm3.local', 'example.com']],
    ['example.com/a:1', mirrors('mirror-by-digest-only = true', ''), ['example.com']],
    [`example.com/a@${digest}`, mirrors('mirror-by-digest-only = true', ''), ['m0.local', 'example.com']],
  ])('%s', (name, text, registries) => {
    expect(find(text, name)?.map(({ registry }) => registry)).toEqual(registries)
  })
})

test('what is blocked may not be pulled, and the error names the file and the prefix', () => {
  const text = '[[registry]]\nlocation = "bad.example"\nblocked = true'
  expect(() => find(text, 'bad.example/a')).toThrow(
    expect.objectContaining({
      code: 'POLICY',
      message: `bad.example/a:latest may not be pulled on this machine: ${file} says blocked for the prefix "bad.example"`,
      hint: expect.stringContaining('--no-system-config'),
    }),
  )
})

describe('version 1', () => {
  /** As in containers-registries.conf(5), VERSION 1 FORMAT. */
  const text = `
[registries.search]
registries = ['registry1.com', 'registry2.com']

[registries.insecure]
registries = ['registry3.com']

[registries.block]
registries = ['registry.untrusted.com', 'registry.unsafe.com']
`
  test('knows insecure and blocked registries', () => {
    expect(find(text, 'registry3.com/a')).toEqual([
      expect.objectContaining({ tls: { insecure: true }, withoutTls: new URL('http://registry3.com/v2/') }),
    ])
    expect(() => find(text, 'registry.unsafe.com/a')).toThrow('may not be pulled')
    expect(find(text, 'registry1.com/a')).toBeUndefined()
  })

  test('may not be mixed with version 2, nor stand in an addition', () => {
    expect(() => find(`${text}\n[[registry]]\nlocation = "a.example"`, 'a.example/b')).toThrow(/version 2/)
    expect(() =>
      decodeRegistriesConf(text, 'drop-in.conf', { version1: false, onWarning: () => {} }),
    ).toThrow(/^drop-in.conf, line 2: registries is of version 1/)
  })
})

describe('a table that makes no sense is left out with a warning that names file, line and key', () => {
  test.each([
    ['location = 1', 'line 2: registry[0].location must be a string'],
    ['insecure = "yes"\nlocation = "a.example"', 'line 2: registry[0].insecure must be true or false'],
    ['blocked = true', 'registry[0].location is missing'],
    [
      'location = "https://a.example"',
      'line 2: registry[0].location must be host[:port][/path], without a scheme',
    ],
    ['location = "a.example"\nprefix = "a.*.example"', 'line 3: registry[0].prefix may have a *'],
    ['location = "a.example"\nprefix = "*.example/x"', 'line 3: registry[0].prefix may have a *'],
    ['location = "a.example"\npull-from-mirror = "all"', 'line 3: registry[0].pull-from-mirror belongs'],
    [
      'location = "a.example"\n[[registry.mirror]]\nlocation = "m"\npull-from-mirror = "some"',
      'line 5: registry[0].mirror[0].pull-from-mirror must be all, digest-only or tag-only',
    ],
    [
      'location = "a.example"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m"\npull-from-mirror = "all"',
      'line 6: registry[0].mirror[0].pull-from-mirror cannot stand beside mirror-by-digest-only',
    ],
    ['location = "a.example"\n[[registry.mirror]]', 'registry[0].mirror[0].location is missing'],
  ])('%j', (table, warning) => {
    const warnings: string[] = []
    const text = `[[registry]]\n${table}\n[[registry]]\nlocation = "good.example"\ninsecure = true\n`
    expect(find(text, 'good.example/a', (message) => warnings.push(message))).toHaveLength(1)
    expect(warnings).toEqual([expect.stringContaining(warning)])
    expect(warnings[0]).toMatch(/^\/etc\/containers\/registries\.conf/)
  })
})

function find(text: string, name: string, onWarning: (message: string) => void = refuse) {
  const { registries } = decodeRegistriesConf(text, file, { version1: true, onWarning })
  return registriesConfEndpoints(registries, parseReference(name), onWarning)
}

function refuse(message: string): void {
  throw new Error(`unexpected warning: ${message}`)
}
