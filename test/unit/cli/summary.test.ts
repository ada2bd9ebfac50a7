import { expect, test } from 'vitest'
import { summarize } from '../../../src/cli/summary.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const image = {
  reference: 'docker.io/library/nginx:alpine',
  name: 'docker.io/library/nginx:alpine',
  digest: digestOf('manifest'),
  imageId: digestOf('config'),
  platform: 'linux/amd64',
  layers: 7,
  size: 18_400_000,
}
const result = {
  path: '/home/me/nginx_alpine.tar',
  format: 'docker',
  size: 45_600_000,
  images: [image],
} as const

test('tells what came, its ids, size, time, and the command to run next', () => {
  expect(summarize(result, { elapsed: 3210, platform: 'linux' })).toBe(
    `docker.io/library/nginx:alpine (linux/amd64)
  image id  ${image.imageId}
  digest    ${image.digest}
45.6 MB in 3.2 s
next: docker load -i /home/me/nginx_alpine.tar
`,
  )
})

test('has no next command when the archive went to stdout', () => {
  expect(summarize({ ...result, path: '-' }, { elapsed: 1 })).not.toContain('docker load')
})

test.each([
  ['linux', '/a/b.tar', '/a/b.tar'],
  ['linux', '/a b/c.tar', `'/a b/c.tar'`],
  ['linux', `/it's.tar`, `'/it'\\''s.tar'`],
  ['linux', '/$HOME/`x`.tar', "'/$HOME/`x`.tar'"],
  ['darwin', '/a\\b.tar', "'/a\\b.tar'"],
  ['win32', 'C:\\a\\b.tar', 'C:\\a\\b.tar'],
  ['win32', 'C:\\a b\\c.tar', '"C:\\a b\\c.tar"'],
] as const)('on %s the path %s can be copied into the shell', (platform, path, quoted) => {
  expect(summarize({ ...result, path }, { elapsed: 1, platform })).toContain(`docker load -i ${quoted}\n`)
})
