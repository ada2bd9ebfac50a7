import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readMachineConfig } from '../../../src/config/machine-config.ts'
import { parseReference } from '../../../src/oci/reference.ts'
import { asNobody } from '../../support/as-nobody.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const podman = '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "podman.local"\n'
const containerd = '[host."https://containerd.local"]\n'
const docker = '{"registry-mirrors": ["https://docker.local"], "insecure-registries": ["inside.local"]}'

const all = {
  'registries.conf': podman,
  'hosts/docker.io/hosts.toml': containerd,
  'daemon.json': docker,
}

describe('the first that knows the registry wins', () => {
  test.each([
    ['podman, before all others', all, 'podman.local'],
    ['containerd, where podman has nothing of it', { ...all, 'registries.conf': '' }, 'containerd.local'],
    ['docker, where the others have no files', { 'daemon.json': docker }, 'docker.local'],
    [
      'docker, where the others know other registries',
      {
        'registries.conf': podman.replace('docker.io', 'quay.io'),
        'hosts/quay.io/hosts.toml': containerd,
        'daemon.json': docker,
      },
      'docker.local',
    ],
    ['nobody', {}, undefined],
  ])('%s', async (_, files, mirror) => {
    const { config, warnings } = setup(files)
    expect((await config.endpointsFor(parseReference('nginx')))?.[0]?.registry).toBe(mirror)
    expect(warnings).toEqual([])
  })

  test('and each registry is looked at by itself', async () => {
    const { config } = setup({ ...all, 'hosts/quay.io/hosts.toml': containerd })
    const registries = ['nginx', 'quay.io/a/b', 'inside.local/a', 'ghcr.io/a/b'].map(async (name) => {
      const endpoints = await config.endpointsFor(parseReference(name))
      return endpoints?.map(({ registry }) => registry)
    })
    expect(await Promise.all(registries)).toEqual([
      ['podman.local', 'docker.io'],
      ['containerd.local', 'quay.io'],
      ['inside.local'],
      undefined,
    ])
  })
})

test('what podman blocks is blocked, whatever the others say', async () => {
  const { config, directory } = setup({
    ...all,
    'registries.conf': '[[registry]]\nlocation = "docker.io"\nblocked = true\n',
  })
  await expect(config.endpointsFor(parseReference('nginx'))).rejects.toMatchObject({
    code: 'POLICY',
    message: expect.stringContaining(join(directory, 'registries.conf')),
  })
  expect((await config.endpointsFor(parseReference('inside.local/a')))?.[0]?.tls).toEqual({ insecure: true })
})

test('a file is read when it is first needed, and only then', async () => {
  const { config, write } = setup({})
  write(all)
  const first = await config.endpointsFor(parseReference('nginx'))
  write({ 'registries.conf': '', 'daemon.json': '{}' })
  expect(await config.endpointsFor(parseReference('nginx'))).toEqual(first)
  expect(await config.endpointsFor(parseReference('inside.local/a'))).toBeUndefined()
})

test('each file that makes no sense is warned of once, with its line, and the next ones count', async () => {
  const { config, warnings, directory } = setup({
    'registries.conf': '[[registry]]\nlocation = docker.io\n',
    'config.toml': 'version = "2"\n',
    'hosts/docker.io/hosts.toml': '[host."https://m"]\nskip_verify = 1\n',
    'daemon.json': '{\n  "registry-mirrors": ["https://docker.local", "what"]\n}',
  })
  for (const name of ['nginx', 'alpine']) {
    const endpoints = await config.endpointsFor(parseReference(name))
    expect(endpoints?.map(({ registry }) => registry)).toEqual(['docker.local', 'docker.io'])
  }
  await config.tlsFor(new URL('https://registry-1.docker.io'))
  await config.aliasFor('nginx')
  await config.proxy()
  expect(warnings.map((warning) => warning.replace(directory, ''))).toEqual(
    [
      '/registries.conf, line 2, column 12, at location: invalid value; it is not followed',
      '/config.toml, line 1: version must be 1, 2 or 3; it is not followed',
      '/hosts/docker.io/hosts.toml, line 2: host."https://m".skip_verify must be true or false; it is not followed',
      '/daemon.json, line 2: registry-mirrors[1] must be an http or https URL, without user, ? and #; it is not followed',
    ].map((warning) => warning.replaceAll('/', process.platform === 'win32' ? '\\' : '/')),
  )
})

describe('aliases', () => {
  const files = {
    'registries.conf':
      '[aliases]\n"fedora" = "registry.fedoraproject.org/fedora"\n"debian" = "quay.io/org/debian"\n',
    'cache.conf': '[aliases]\n"debian" = "docker.io/library/debian"\n',
  }

  test('are those of registries.conf and, before them, those that podman remembers', async () => {
    const { config, directory } = setup(files)
    expect(await config.aliasFor('fedora:40')).toEqual({
      reference: 'registry.fedoraproject.org/fedora:40',
      file: join(directory, 'registries.conf'),
    })
    expect(await config.aliasFor('debian')).toEqual({
      reference: 'docker.io/library/debian',
      file: join(directory, 'cache.conf'),
    })
    expect(await config.aliasFor('docker.io/library/fedora')).toBeUndefined()
    expect(await config.aliasFor('alpine')).toBeUndefined()
  })

  test('that make no sense are a warning, and the name means what it always does', async () => {
    const { config, warnings, directory } = setup({ 'registries.conf': '[aliases]\n"a" = "b/c"\n"d" = 1\n' })
    expect(await config.aliasFor('a')).toBeUndefined()
    expect(await config.aliasFor('a:1')).toBeUndefined()
    expect(warnings).toEqual([
      `${join(directory, 'registries.conf')}, line 3: aliases.d must be a string; it is not followed`,
      expect.stringContaining('aliases."a" must be a name with a registry'),
    ])
  })
})

describe('certificates', () => {
  const pair = (directory: string) => ({ [`${directory}/a.cert`]: '', [`${directory}/a.key`]: '' })
  const certificateOf = async (files: Readonly<Record<string, string>>) => {
    const { config, warnings, directory } = setup(files)
    const tls = await config.tlsFor(new URL('https://quay.io'))
    const found = tls?.clientCertificates?.[0]?.certFile
    return { found: found?.replace(directory, '').replaceAll('\\', '/'), warnings }
  }

  test('are those of the first certs.d that has the host, then those of containerd', async () => {
    const files = { ...pair('certs1/quay.io'), ...pair('certs2/quay.io'), ...pair('hosts/quay.io') }
    expect((await certificateOf(files)).found).toBe('/certs1/quay.io/a.cert')
    expect((await certificateOf(pair('certs2/quay.io'))).found).toBe('/certs2/quay.io/a.cert')
    expect((await certificateOf(pair('hosts/quay.io'))).found).toBe('/hosts/quay.io/a.cert')
    expect((await certificateOf(pair('hosts/ghcr.io'))).found).toBeUndefined()
  })

  test('of which half is missing are a warning', async () => {
    const { found, warnings } = await certificateOf({ 'certs1/quay.io/a.cert': '' })
    expect(found).toBeUndefined()
    expect(warnings).toEqual([expect.stringMatching(/a\.cert is left out: .*a\.key, its key, is missing/)])
  })
})

test("docker's proxy is told", async () => {
  const { config } = setup({ 'daemon.json': '{"proxies": {"https-proxy": "http://proxy.local:3128"}}' })
  expect(await config.proxy()).toMatchObject({ https: 'http://proxy.local:3128' })
})

test.skipIf(process.platform === 'win32')(
  'a file that may not be read is a warning; one that cannot even be seen is not there',
  async () => {
    const { config, warnings, directory } = setup(all)
    chmodSync(directory, 0o755)
    chmodSync(join(directory, 'registries.conf'), 0)
    chmodSync(join(directory, 'hosts'), 0)
    const endpoints = await asNobody(() => config.endpointsFor(parseReference('nginx')))
    chmodSync(join(directory, 'hosts'), 0o700)
    expect(endpoints?.[0]?.registry).toBe('docker.local')
    expect(warnings).toEqual([
      `cannot read ${join(directory, 'registries.conf')} (EACCES); it is not followed`,
    ])
  },
)

function setup(files: Readonly<Record<string, string>>) {
  const directory = temporaryDirectory()
  const at = (name: string) => join(directory, name)
  const write = (texts: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(texts)) {
      mkdirSync(dirname(at(name)), { recursive: true })
      writeFileSync(at(name), text)
    }
  }
  write(files)
  const warnings: string[] = []
  const config = readMachineConfig(
    {
      registriesConf: [{ main: at('registries.conf'), dropIns: [at('registries.conf.d')] }],
      shortNameCache: at('cache.conf'),
      containerd: { configs: [at('config.toml')], userHosts: [], systemHosts: [at('hosts')] },
      dockerDaemon: [at('daemon.json')],
      certsDirectories: [at('certs1'), at('certs2')],
    },
    (message) => warnings.push(message),
    { lookup: async () => [] },
  )
  return { config, warnings, directory, write }
}
