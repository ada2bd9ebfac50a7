import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import type { Registry } from '../support/engines/docker-registry.ts'
import { dockerOf } from '../support/engines/dockerd.ts'
import { dray } from '../support/engines/dray.ts'
import { manyLayers } from '../support/engines/images.ts'
import { setUpMachine } from '../support/engines/machine.ts'
import { distrustingHostsToml, type MirrorSetup, mirrorSetups } from '../support/engines/mirror-setups.ts'
import { type MirroredHub, startMirroredHub } from '../support/engines/mirrored-hub.ts'
import { blobsIn, listenTo } from '../support/engines/registry-log.ts'
import { type Finished, mustRun } from '../support/engines/run.ts'
import { imageIdBySkopeo, skopeoCopy } from '../support/engines/skopeo.ts'
import { jsonEntry, readArchive } from '../support/read-archive.ts'

describeWithEngines('a docker-registry in proxy mode, as a mirror of another', (world) => {
  const directory = join(world.directory, 'mirrors')
  const archive = join(directory, 'image.tar')
  const docker = dockerOf(world.dockerDirectory)
  const hubImage = `${manyLayers.repository}:${manyLayers.tag}`
  let network: MirroredHub
  let id: string
  let blobs: readonly string[]

  const setUp = (files: MirrorSetup['files']) => {
    const { namespace, hosts, companyAuthority } = network
    return setUpMachine({ directory, namespace, hosts, files: files(companyAuthority) })
  }

  /** Runs dray on a machine that is set up like that. The public authority stands for those that Node trusts. */
  const pull = async (setup: Omit<MirrorSetup, 'by' | 'how'>): Promise<Finished> => {
    const { args = [], env, image = hubImage } = setup
    const machine = await setUp(setup.files)
    const words = [image, '--ca', network.publicAuthority, '-o', archive, ...args]
    return dray(words, { ...machine, env: { ...machine.env, ...env } })
  }

  const startMirrorForTest = async (whose: 'company' | 'public') => {
    const mirror = await network.startMirror(whose)
    onTestFinished(() => mirror.stop())
    return mirror
  }

  const ofPodman = mirrorSetups.filter(({ by }) => by.includes('/containers/'))
  const fromHub = 'docker.io/library/'
  const isArchived = async (name: string) => {
    expect(await imageIdBySkopeo(`docker-archive:${archive}`)).toBe(id)
    expect(jsonEntry(await readArchive(archive), 'manifest.json')[0].RepoTags).toEqual([name])
  }

  beforeAll(async () => {
    await mkdir(directory)
    const original = `${world.host}/${hubImage}`
    for (const name of [`library/${hubImage}`, 'bar/image:latest', 'mirror-for-foo/image:latest']) {
      await skopeoCopy(`docker://${original}`, `docker://${world.host}/${name}`)
    }
    network = await startMirroredHub(directory, world.storage)
    id = await imageIdBySkopeo(`docker://${original}`)
    blobs = await blobsOfImage(world.host)
  })

  afterAll(() => network.stop())

  describe.each(titled(mirrorSetups))('that %s names, %s', (by, _, setup) => {
    const { image: name = `${fromHub}${hubImage}` } = setup
    let mirror: Registry

    beforeAll(async () => {
      mirror = await network.startMirror('company')
    })

    afterAll(() => mirror.stop())

    test('gives all of the image, which keeps its name; -v says who named the mirror', async () => {
      const ofMirror = await listenTo(mirror)
      const ofHub = await listenTo(network.hub)
      const { exitCode, stderr } = await pull({ ...setup, args: [...(setup.args ?? []), '-v'] })
      expect(stderr).toContain(`${by.replace('~', '')} says`)
      const unverified = `warning: the certificate of docker-mirror.internal is not verified, as ${by} says`
      expect(stderr.match(/warning: .*/g) ?? []).toEqual(setup.isInsecure ? [unverified] : [])
      expect(exitCode).toBe(0)
      await expect.poll(async () => blobsIn((await ofMirror()).byDray)).toEqual(blobs)
      await expect.poll(async () => blobsIn((await ofHub()).byOthers)).toEqual(blobs)
      expect((await ofHub()).byDray).toEqual([])
      await isArchived(name)
    })

    test('is not missed when it is stopped', async () => {
      await mirror.stop()
      const ofHub = await listenTo(network.hub)
      const { exitCode, stderr } = await pull(setup)
      expect(stderr).toContain('going on with')
      expect(exitCode).toBe(0)
      await expect.poll(async () => blobsIn((await ofHub()).byDray)).toEqual(blobs)
      await isArchived(name)
    })
  })

  describe('by the files of a machine', () => {
    let mirror: Registry

    beforeAll(async () => {
      mirror = await network.startMirror('company')
    })

    afterAll(() => mirror.stop())

    const flag = ['--mirror', 'https://flag-mirror.internal']
    const certificates = (authority: string) => {
      const names = ['flag', 'podman', 'containerd', 'docker'].map((each) => `${each}-mirror.internal`)
      return Object.fromEntries(names.map((each) => [`/etc/docker/certs.d/${each}/ca.crt`, authority]))
    }
    const podman = {
      '/etc/containers/registries.conf':
        '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "podman-mirror.internal"\n',
    }
    const containerd = {
      '/etc/containerd/certs.d/docker.io/hosts.toml': '[host."https://containerd-mirror.internal"]\n',
    }
    const dockerd = {
      '/etc/docker/daemon.json': '{ "registry-mirrors": ["https://docker-mirror.internal"] }',
    }

    test.each([
      ['flag-mirror.internal', 'a flag before all files', flag, { ...podman, ...containerd, ...dockerd }],
      ['podman-mirror.internal', 'podman’s before the others', [], { ...podman, ...containerd, ...dockerd }],
      ['containerd-mirror.internal', 'containerd’s before docker’s', [], { ...containerd, ...dockerd }],
      ['docker-mirror.internal', 'docker’s where there is no other', [], dockerd],
    ])('%s is asked, and nobody else: %s', async (host, _, args, files) => {
      const ofMirror = await listenTo(mirror)
      const { exitCode } = await pull({ args, files: (ca) => ({ ...files, ...certificates(ca) }) })
      expect(exitCode).toBe(0)
      await expect.poll(async () => blobsIn((await ofMirror()).byDray)).toEqual(blobs)
      expect(new Set((await ofMirror()).byDray.map((url) => new URL(url).host))).toEqual(new Set([host]))
    })

    test('is left alone with --no-system-config', async () => {
      const ofMirror = await listenTo(mirror)
      const ofHub = await listenTo(network.hub)
      const { exitCode, stderr } = await pull({
        args: ['--no-system-config', '-v'],
        files: (authority) => ({ ...podman, ...containerd, ...dockerd, ...certificates(authority) }),
      })
      expect(stderr).not.toContain('/etc/')
      expect(exitCode).toBe(0)
      await expect.poll(async () => blobsIn((await ofHub()).byDray)).toEqual(blobs)
      expect((await ofMirror()).byDray).toEqual([])
    })

    test.each([
      [
        '/etc/containers/registries.conf',
        'line 5, column 12, at location: ',
        '[[registry]]\nlocation = "docker.io"\n\n[[registry.mirror]]\nlocation = docker-mirror.internal\n',
      ],
      [
        '/etc/containers/registries.conf.d/mirror.conf',
        'line 5: registry[0].mirror[0].location must be ',
        '[[registry]]\nlocation = "docker.io"\n\n[[registry.mirror]]\nlocation = "https://docker-mirror.internal"\n',
      ],
      [
        '/etc/containerd/certs.d/docker.io/hosts.toml',
        'line 2: host."https://docker-mirror.internal".capabilities[1] must be one of ',
        '[host."https://docker-mirror.internal"]\n  capabilities = ["pull", "resolv"]\n',
      ],
      [
        '/etc/containerd/config.toml',
        'line 3: plugins.cri.registry.mirrors."docker.io".endpoint must be ',
        '\n[plugins.cri.registry.mirrors."docker.io"]\nendpoint = "https://docker-mirror.internal"\n',
      ],
      [
        '/etc/docker/daemon.json',
        'line 3: registry-mirrors must be ',
        '{\n  "debug": true,\n  "registry-mirrors": "https://docker-mirror.internal"\n}\n',
      ],
      [
        '/etc/docker/daemon.json',
        'line 3: this is not valid JSON',
        '{\n  "registry-mirrors": ["https://docker-mirror.internal"],\n}\n',
      ],
    ])('is not asked where there is a mistake in %s, which is a warning: %s', async (file, mistake, text) => {
      const ofMirror = await listenTo(mirror)
      const ofHub = await listenTo(network.hub)
      const { exitCode, stderr } = await pull({ files: () => ({ [file]: text }) })
      expect(stderr).toContain(`warning: ${file}, ${mistake}`)
      expect(exitCode).toBe(0)
      await expect.poll(async () => blobsIn((await ofHub()).byDray)).toEqual(blobs)
      expect((await ofMirror()).byDray).toEqual([])
    })

    test('is forbidden what registries.conf calls blocked: nobody is asked, and the file is named', async () => {
      const ofMirror = await listenTo(mirror)
      const ofHub = await listenTo(network.hub)
      const file = '/etc/containers/registries.conf'
      const text = `[[registry]]\nprefix = "docker.io/library"\nlocation = "docker.io/library"\nblocked = true\n`
      const { exitCode, stderr } = await pull({ files: () => ({ ...dockerd, [file]: text }) })
      expect(stderr).toContain(
        `${fromHub}${hubImage} may not be pulled on this machine: ${file} says blocked`,
      )
      expect(exitCode).toBe(8)
      expect((await ofMirror()).byDray).toEqual([])
      expect((await ofHub()).byDray).toEqual([])
      const free = await pull({ args: ['--no-system-config'], files: () => ({ [file]: text }) })
      expect(free.exitCode).toBe(0)
    })
  })

  test('gives the blobs only where a hosts.toml does not let it say what a tag is', async () => {
    const ofTrusted = await listenTo(await startMirrorForTest('company'))
    const ofOther = await listenTo(await startMirrorForTest('public'))
    const { exitCode } = await pull({
      files: (authority) => ({
        '/etc/containerd/certs.d/docker.io/hosts.toml': distrustingHostsToml,
        '/etc/containerd/certs.d/docker.io/docker-mirror.crt': authority,
      }),
    })
    expect(exitCode).toBe(0)
    await expect.poll(async () => blobsIn((await ofOther()).byDray)).toEqual(blobs)
    expect((await ofOther()).byDray.filter((url) => !url.includes('/blobs/'))).toEqual([])
    const manifest = `library/${manyLayers.repository}/manifests/${manyLayers.tag}?ns=docker.io`
    expect((await ofTrusted()).byDray).toEqual([`https://docker-mirror.internal/v2/${manifest}`])
  })

  describe.each(titled(ofPodman))('that %s names, %s', (_by, _how, setup) => {
    const { image = hubImage, files } = setup

    test('is found by skopeo too', async () => {
      const ofMirror = await listenTo(await startMirrorForTest('company'))
      const { env, within } = await setUp(files)
      const copy = await mkdtemp(join(directory, 'copy-'))
      const places = [`docker://${setup.image ?? `${fromHub}${hubImage}`}`, `dir:${copy}`]
      const [command, args] = within('skopeo', ['--insecure-policy', 'copy', '--quiet', ...places])
      await mustRun(command, args, { env: { PATH: process.env.PATH, ...env } })
      await expect.poll(async () => blobsIn((await ofMirror()).byOthers)).toEqual(blobs)
    })

    test('gives what docker loads by the name that was typed', async () => {
      await startMirrorForTest('company')
      expect(await pull(setup)).toMatchObject({ exitCode: 0 })
      await docker.empty()
      expect(await docker('load', '--quiet', '--input', archive)).toBe(`Loaded image: ${image}`)
      expect(await docker.imageIds()).toEqual([id])
    })
  })
})

/** With the words of their titles first: they are cut short otherwise. */
function titled(setups: readonly MirrorSetup[]) {
  return setups.map((setup) => [setup.by, setup.how, setup] as const)
}

async function blobsOfImage(host: string): Promise<readonly string[]> {
  const url = `http://${host}/v2/${manyLayers.repository}/manifests/${manyLayers.tag}`
  const accept = 'application/vnd.docker.distribution.manifest.v2+json'
  const { config, layers } = (await (await fetch(url, { headers: { accept } })).json()) as {
    config: { digest: string }
    layers: readonly { digest: string }[]
  }
  return [...new Set([config, ...layers].map(({ digest }) => digest))].sort()
}
