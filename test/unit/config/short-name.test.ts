import { expect, test } from 'vitest'
import { findShortName } from '../../../src/config/short-name.ts'

const file = '/etc/containers/registries.conf.d/shortnames.conf'
const digest = `sha256:${'a'.repeat(64)}`
const aliases = new Map(
  Object.entries({
    fedora: 'registry.fedoraproject.org/fedora',
    'ubi8/ubi': 'registry.access.redhat.com/ubi8/ubi',
    alpine: 'docker.io/library/alpine',
    erased: '',
    tagged: 'quay.io/org/tagged:1',
    'no-host': 'org/no-host',
    'a.example/b': 'quay.io/org/b',
    nginx: 'docker.io/nginx',
    'docker.io/c': 'quay.io/org/c',
  }).map(([name, value]) => [name, { value, file }]),
)

test.each([
  ['fedora', 'registry.fedoraproject.org/fedora'],
  ['fedora:40', 'registry.fedoraproject.org/fedora:40'],
  [`fedora@${digest}`, `registry.fedoraproject.org/fedora@${digest}`],
  [`fedora:40@${digest}`, `registry.fedoraproject.org/fedora:40@${digest}`],
  ['ubi8/ubi:latest', 'registry.access.redhat.com/ubi8/ubi:latest'],
  ['alpine', 'docker.io/library/alpine'],
  ['nginx:1', 'docker.io/nginx:1'],
])('%s stands for %s', (text, reference) => {
  expect(findShortName(text, aliases)).toEqual({ reference, file })
})

test.each([
  'docker.io/fedora',
  'docker.io/c',
  'docker.io/library/fedora',
  'index.docker.io/library/fedora',
  'a.example/b',
  'localhost/fedora',
  'library/fedora',
  'ubi',
  'erased',
  'unknown',
  'constructor',
  '',
  'NO NAME',
  'fedora:',
])('%j has no alias', (text) => {
  expect(findShortName(text, aliases)).toBeUndefined()
})

test.each(['tagged', 'no-host'])('an alias must be a name with a registry and without a tag: %s', (text) => {
  expect(() => findShortName(text, aliases)).toThrow(
    `${file}: aliases."${text}" must be a name with a registry`,
  )
})
