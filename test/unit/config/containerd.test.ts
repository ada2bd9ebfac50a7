import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { directoryNames, readContainerd } from '../../../src/config/containerd.ts'
import { parseReference } from '../../../src/oci/reference.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const hosts = (name: string) => `[host."https://${name}"]\n`
const mirrors = (registry: string, name: string) =>
  `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."${registry}"]\nendpoint = ["https://${name}"]\n`

describe('the directory of a registry', () => {
  test.each([
    ['myregistry.io', 'linux', ['myregistry.io', '_default']],
    ['myregistry.io:5000', 'linux', ['myregistry.io_5000_', 'myregistry.io:5000', '_default']],
    ['myregistry.io:5000', 'win32', ['myregistry.io_5000_', 'myregistry.io5000', '_default']],
    ['[::1]:5000', 'linux', ['[::1]_5000_', '[::1]:5000', '_default']],
    ['[::1]', 'linux', ['[::1]', '_default']],
  ])('of %s on %s is one of %j', (registry, platform, names) => {
    expect(directoryNames(registry, platform)).toEqual(names)
  })

  test.each([
    ['quay.io', { 'quay.io': 'own', _default: 'rest' }, 'own'],
    ['ghcr.io', { 'quay.io': 'own', _default: 'rest' }, 'rest'],
    ['ghcr.io', { 'quay.io': 'own' }, undefined],
    ['quay.io:5000', { 'quay.io': 'own' }, undefined],
    ['quay.io:5000', { 'quay.io_5000_': 'portable', _default: 'rest' }, 'portable'],
    ['docker.io', { 'docker.io': 'hub', 'registry-1.docker.io': 'other' }, 'hub'],
  ])('for %s among %j', async (registry, directories, mirror) => {
    const files = Object.entries(directories).map(([name, host]) => [
      `system/${name}/hosts.toml`,
      hosts(host),
    ])
    expect(await setup(Object.fromEntries(files)).mirrorOf(registry)).toBe(mirror)
  })

  test.skipIf(process.platform === 'win32')(
    'may have a colon in its name, but without comes first',
    async () => {
      const files = { 'system/quay.io:5000/hosts.toml': hosts('colon') }
      expect(await setup(files).mirrorOf('quay.io:5000')).toBe('colon')
      const both = { ...files, 'system/quay.io_5000_/hosts.toml': hosts('portable') }
      expect(await setup(both).mirrorOf('quay.io:5000')).toBe('portable')
    },
  )

  test("in an earlier root comes first, that of the user's tools first of all", async () => {
    const files = {
      'system/quay.io/hosts.toml': hosts('system'),
      'more/quay.io/hosts.toml': hosts('more'),
      'more/ghcr.io/hosts.toml': hosts('more'),
    }
    expect(await setup(files).mirrorOf('quay.io')).toBe('system')
    expect(await setup(files).mirrorOf('ghcr.io')).toBe('more')
    expect(await setup({ ...files, 'user/_default/hosts.toml': hosts('user') }).mirrorOf('quay.io')).toBe(
      'user',
    )
  })
})

describe('the config.toml', () => {
  test('names other directories', async () => {
    const directory = temporaryDirectory()
    const config = `version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = '${join(directory, 'named')}'\n`
    const files = {
      'config.toml': config,
      'named/quay.io/hosts.toml': hosts('named'),
      'system/quay.io/hosts.toml': hosts('system'),
      'system/ghcr.io/hosts.toml': hosts('system'),
    }
    expect(await setup(files, directory).mirrorOf('quay.io')).toBe('named')
    expect(await setup({}, directory).mirrorOf('ghcr.io')).toBeUndefined()
  })

  test('has mirrors itself, and then the directories of the system do not count', async () => {
    const files = { 'config.toml': mirrors('quay.io', 'table'), 'system/ghcr.io/hosts.toml': hosts('system') }
    expect(await setup(files).mirrorOf('quay.io')).toBe('table')
    expect(await setup(files).mirrorOf('ghcr.io')).toBeUndefined()
  })

  test('that is the first there is counts', async () => {
    const files = { 'config.toml': mirrors('quay.io', 'first'), 'other.toml': mirrors('*', 'second') }
    expect(await setup(files).mirrorOf('quay.io')).toBe('first')
    expect(await setup(files).mirrorOf('ghcr.io')).toBeUndefined()
    expect(await setup({ 'other.toml': mirrors('*', 'second') }).mirrorOf('ghcr.io')).toBe('second')
  })

  test('that makes no sense is a warning, and the directories count', async () => {
    const { mirrorOf, warnings, directory } = setup({
      'config.toml': 'version = 2\n[plugins\n',
      'system/quay.io/hosts.toml': hosts('system'),
    })
    expect(await mirrorOf('quay.io')).toBe('system')
    expect(warnings).toEqual([expect.stringContaining(`${join(directory, 'config.toml')}, line 2, column`)])
  })
})

describe('without a hosts.toml', () => {
  const files = { 'system/quay.io_5000_/client.cert': '', 'system/quay.io_5000_/client.key': '' }

  test('the directory holds certificates, and says nothing of endpoints', async () => {
    const { containerd, directory, mirrorOf } = setup({
      ...files,
      'system/_default/hosts.toml': hosts('rest'),
    })
    const inDirectory = (name: string) => join(directory, 'system/quay.io_5000_', name)
    expect(await mirrorOf('quay.io:5000')).toBeUndefined()
    expect(await containerd.tlsFor(new URL('https://quay.io:5000'))).toMatchObject({
      clientCertificates: [{ certFile: inDirectory('client.cert'), keyFile: inDirectory('client.key') }],
    })
  })

  test('with one that makes no sense, too, after a warning', async () => {
    const { containerd, directory, mirrorOf, warnings } = setup({
      ...files,
      'system/quay.io_5000_/hosts.toml': 'server = 1\n',
    })
    expect(await mirrorOf('quay.io:5000')).toBeUndefined()
    const { clientCertificates } = (await containerd.tlsFor(new URL('https://quay.io:5000'))) ?? {}
    expect(clientCertificates).toHaveLength(1)
    expect([...new Set(warnings)]).toEqual([
      `${join(directory, 'system/quay.io_5000_/hosts.toml')}, line 1: server must be a string; it is not followed`,
    ])
  })

  test('with one that does, the certificates beside it do not count', async () => {
    const { containerd } = setup({ ...files, 'system/quay.io_5000_/hosts.toml': hosts('m') })
    expect(await containerd.tlsFor(new URL('https://quay.io:5000'))).toBeUndefined()
  })

  test('Docker Hub goes by its short name', async () => {
    const { containerd } = setup({ 'system/docker.io/a.cert': '', 'system/docker.io/a.key': '' })
    expect(
      (await containerd.tlsFor(new URL('https://registry-1.docker.io')))?.clientCertificates,
    ).toHaveLength(1)
  })
})

test('an empty hosts.toml is about the registry itself', async () => {
  const { containerd } = setup({ 'system/quay.io/hosts.toml': '' })
  expect(await containerd.endpointsFor(parseReference('quay.io/a/b'))).toEqual([
    { root: new URL('https://quay.io/v2/'), registry: 'quay.io', repository: 'a/b' },
  ])
})

function setup(files: Readonly<Record<string, string>>, directory = temporaryDirectory()) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  const warnings: string[] = []
  const at = (name: string) => join(directory, name)
  const containerd = readContainerd(
    {
      configs: [at('config.toml'), at('other.toml')],
      userHosts: [at('user')],
      systemHosts: [at('system'), at('more')],
    },
    (message) => warnings.push(message),
  )
  const mirrorOf = async (registry: string) => {
    const endpoints = await containerd.endpointsFor(parseReference(`${registry}/org/app`))
    return endpoints?.[0]?.registry
  }
  return { containerd, mirrorOf, warnings, directory }
}
