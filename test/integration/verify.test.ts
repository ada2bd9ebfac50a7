import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyFile } from '../../src/verify/verify-file.ts'
import { type Item, layouts, packItems } from '../support/archive-layouts.ts'
import { damages, locate, type Sound } from '../support/damages.ts'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { dockerOf } from '../support/engines/dockerd.ts'
import { launcher, mustPull } from '../support/engines/dray.ts'
import { type ImageName, images, nameInArchive } from '../support/engines/images.ts'
import { loadIntoPodman } from '../support/engines/podman.ts'
import { mustRun, run } from '../support/engines/run.ts'
import { imageIdBySkopeo, skopeoCopy } from '../support/engines/skopeo.ts'
import type { World } from '../support/engines/world.ts'
import { buildImage, buildLayer } from '../support/image-builder.ts'

type Write = (world: World, key: ImageName, archive: string) => Promise<unknown>

const podmanSave =
  (format: string): Write =>
  async (world, key, archive) => {
    const home = await mkdtemp(join(world.directory, 'podman-'))
    const places = ['root', 'runroot', 'tmpdir'].map((place) => `--${place}=${join(home, place)}`)
    const podman = (...args: readonly string[]) =>
      mustRun('podman', [...places, '--storage-driver=vfs', '--events-backend=none', ...args], {
        env: { ...process.env, TMPDIR: home },
      })
    await podman('pull', '--quiet', '--tls-verify=false', world.references[key])
    await podman('save', '--quiet', '--format', format, '--output', archive, world.references[key])
    await rm(home, { recursive: true, force: true })
  }

const skopeo =
  (transport: string): Write =>
  ({ host, references }, key, archive) =>
    skopeoCopy(`docker://${references[key]}`, `${transport}:${archive}:${nameInArchive(host, images[key])}`)

const dray =
  (format: string): Write =>
  ({ references }, key, archive) =>
    mustPull([references[key], '--format', format, '-o', archive])

const dockerSave: Write = async (world, key, archive) => {
  const docker = dockerOf(world.dockerDirectory)
  await docker('pull', '--quiet', world.references[key])
  await docker('save', '--output', archive, world.references[key])
}

const buildahPush =
  (transport: string): Write =>
  async ({ directory, host, references }, key, archive) => {
    const home = await mkdtemp(join(directory, 'buildah-'))
    const storage = [`--root=${join(home, 'root')}`, `--runroot=${join(home, 'run')}`, '--storage-driver=vfs']
    const buildah = (...args: readonly string[]) =>
      mustRun('buildah', [...storage, ...args], { env: { ...process.env, TMPDIR: home } })
    await buildah('pull', '--quiet', '--tls-verify=false', references[key])
    const target = `${transport}:${archive}:${nameInArchive(host, images[key])}`
    await buildah('push', '--quiet', references[key], target)
    await rm(home, { recursive: true, force: true })
  }

/** An image layout that umoci has written to, with one more label, in a tar. */
const umociConfig: Write = async ({ directory, references }, key, archive) => {
  const layout = await mkdtemp(join(directory, 'umoci-'))
  const image = `${layout}:${images[key].repository}`
  await skopeoCopy(`docker://${references[key]}`, `oci:${image}`)
  await mustRun('umoci', ['config', '--image', image, '--config.label', 'by=umoci'])
  await mustRun('umoci', ['gc', '--layout', layout])
  await mustRun('tar', ['-cf', archive, '-C', layout, 'oci-layout', 'index.json', 'blobs'])
  await rm(layout, { recursive: true, force: true })
}

const writers: readonly (readonly [string, Write, string])[] = [
  ['docker save 20.10', dockerSave, 'docker save up to 24, dray'],
  ['podman save, docker-archive', podmanSave('docker-archive'), 'podman save, skopeo (docker-archive)'],
  ['podman save, oci-archive', podmanSave('oci-archive'), 'podman, skopeo or buildah'],
  ['skopeo copy, docker-archive', skopeo('docker-archive'), 'podman save, skopeo (docker-archive)'],
  ['skopeo copy, oci-archive', skopeo('oci-archive'), 'podman, skopeo or buildah'],
  ['buildah push, docker-archive', buildahPush('docker-archive'), 'skopeo (docker-archive)'],
  ['buildah push, oci-archive', buildahPush('oci-archive'), 'podman, skopeo or buildah'],
  ['umoci config', umociConfig, 'podman, skopeo or buildah'],
  ['dray, docker', dray('docker'), 'docker save up to 24, dray'],
  ['dray, oci', dray('oci'), 'dray --format oci'],
]

describeWithEngines('verify reads what real programs write', (world) => {
  const archive = join(world.directory, 'to-verify.tar')

  afterAll(() => rm(archive, { force: true }))

  describe.each(writers)('%s', (_, write, writer) => {
    let sound: Sound
    let id: string

    beforeAll(async () => {
      await rm(archive, { force: true })
      await write(world, 'manyLayers', archive)
      sound = locate(await readFile(archive))
      id = await imageIdBySkopeo(`docker://${world.references.manyLayers}`)
    })

    test('is whole, of the right kind, with the image of the registry', async () => {
      const { ok, problems, warnings, images: found, writer: said, engines } = await verifyFile(archive)
      expect({ ok, problems, warnings }).toEqual({ ok: true, problems: [], warnings: [] })
      expect(said).toContain(writer)
      expect(found).toHaveLength(1)
      expect(found[0]?.names.join()).toContain(images.manyLayers.repository)
      // podman and skopeo write the config anew when they turn Docker's format into OCI's.
      if (!said.startsWith('podman, skopeo')) expect(found[0]?.imageId).toBe(id)
      expect(engines).toHaveLength(5)
    })

    test.each([
      ['gzip', ['gzip', '-c']],
      ['zstd', ['zstd', '-c', '-q']],
    ])('is whole through a pipe, in %s', async (name, pack) => {
      const script = `${pack.join(' ')} "$1" | "$2" "$3" verify -`
      const stdout = await mustRun('sh', ['-c', script, 'sh', archive, process.execPath, launcher])
      expect(stdout).toMatch(new RegExp(`^stdin: whole, .*\n {2}kind .*, in ${name} `))
    })

    test('is found to be harmed in more than twenty ways, each at its place', async () => {
      let count = 0
      for (const { what, damage, problem } of damages) {
        const bytes = await damage(sound)
        if (!bytes) continue
        await writeFile(archive, bytes)
        const { ok, problems } = await verifyFile(archive)
        const said = `${problems[0]?.place}: ${problems[0]?.message}`
        expect({ what, ok, said }).toEqual({
          what,
          ok: false,
          said: expect.stringMatching(typeof problem === 'function' ? problem(sound) : problem),
        })
        count++
      }
      expect(count).toBeGreaterThan(20)
    })
  })

  test.each(['oneLayer', 'multiPlatform', 'oci', 'zstd', 'nameless', 'longName'] as const)(
    'what dray writes is whole: %s',
    async (key) => {
      for (const format of ['docker', 'oci']) {
        await dray(format)(world, key, archive)
        expect(await verifyFile(archive)).toMatchObject({ ok: true, problems: [], warnings: [] })
      }
    },
  )

  test('several images in one docker save', async () => {
    const docker = dockerOf(world.dockerDirectory)
    const [one, two] = [world.references.oneLayer, world.references.oci]
    for (const reference of [one, two]) await docker('pull', '--quiet', reference)
    await docker('save', '--output', archive, one, two)
    const { ok, problems, images: found, engines } = await verifyFile(archive)
    expect({ ok, problems }).toEqual({ ok: true, problems: [] })
    expect(found.map(({ names }) => names[0]).toSorted()).toEqual([one, two].toSorted())
    expect(engines.find(({ engine }) => engine === 'skopeo')?.reasons).toHaveLength(1)
  })
})

interface Variant {
  readonly items: () => Promise<readonly Item[]>
  /** docker 20.10, podman 4.3, skopeo 1.9. */
  readonly loads: readonly [docker: boolean, podman: boolean, skopeo: boolean]
}

const name = 'registry.example/team/app:1'
const image = async () =>
  buildImage({ layers: [await buildLayer({ a: 'one' }), await buildLayer({ b: 'two' })] })
const edited = async (edit: (item: Item) => Item | undefined) =>
  layouts
    .skopeo(await image(), name)
    .map(edit)
    .filter((item) => item !== undefined)
const withManifest = (edit: (text: string) => string) =>
  edited((item) =>
    item.name === 'manifest.json' ? { ...item, content: Buffer.from(edit(String(item.content))) } : item,
  )

/** None of them is written by the program that it is called after: they are made by hand in its layout. */
const variants: Readonly<Record<string, Variant>> = {
  'in the layout of docker save up to 24': {
    items: async () => layouts.docker24(await image(), name),
    loads: [true, true, true],
  },
  'in the layout of docker save from 25 on': {
    items: async () => layouts.docker25(await image(), name),
    loads: [true, true, true],
  },
  'in the layout of buildx': {
    items: async () => layouts.buildx(await image(), name),
    loads: [true, true, true],
  },
  'in the layout of crane and kaniko': {
    items: async () => layouts.crane(await image(), name),
    loads: [true, true, true],
  },
  'in the layout of skopeo': {
    items: async () => layouts.skopeo(await image(), name),
    loads: [true, true, true],
  },
  'an image layout alone': {
    items: async () => layouts.ociArchive(await image(), name),
    loads: [false, true, true],
  },
  'a layer that is a link to a file that is not listed': {
    items: () =>
      withManifest((text) =>
        text.replace(/"Layers":.*?\]/, (layers) => layers.replace(/[0-9a-f]{64}\.tar/, 'first.tar')),
      ).then(async (items) => {
        const [first] = items
        return [...items, { name: 'first.tar', type: 'symlink', linkname: first?.name ?? '' }]
      }),
    loads: [true, false, false],
  },
  'paths that begin with a slash': {
    items: () => withManifest((text) => text.replace(/"([0-9a-f]{64}\.)/g, '"/$1')),
    loads: [true, false, false],
  },
  'names that begin with ./': {
    items: () =>
      edited((item) => (item.type === 'symlink' ? undefined : { ...item, name: `./${item.name}` })),
    loads: [true, true, true],
  },
  'a name without a tag': {
    items: () => withManifest((text) => text.replace('app:1', 'app')),
    loads: [false, false, true],
  },
  'no name': {
    items: () => withManifest((text) => text.replace(/"RepoTags":\[.*?\]/, '"RepoTags":null')),
    loads: [true, true, true],
  },
}

describeWithEngines('what verify says of engines is what they do', (world) => {
  const archive = join(world.directory, 'variant.tar')

  test.each(Object.entries(variants))('%s', async (_, { items, loads }) => {
    await writeFile(archive, await packItems(await items()))

    const { ok, problems, engines } = await verifyFile(archive)
    expect({ ok, problems }).toEqual({ ok: true, problems: [] })
    const said = ['docker up to 24', 'podman', 'skopeo'].map(
      (engine) => engines.find((each) => each.engine === engine)?.loads === 'yes',
    )
    expect(said).toEqual(loads)

    const docker = dockerOf(world.dockerDirectory)
    await docker.empty()
    const byDocker = await docker('load', '--input', archive).then(
      () => true,
      () => false,
    )
    const byPodman = await loadIntoPodman(archive, world.directory).then(
      () => true,
      () => false,
    )
    const transport = engines.length > 0 && !loads[0] && loads[1] ? 'oci-archive' : 'docker-archive'
    const target = await mkdtemp(join(world.directory, 'copied-'))
    const { exitCode } = await run('skopeo', ['copy', '--quiet', `${transport}:${archive}`, `dir:${target}`])
    expect([byDocker, byPodman, exitCode === 0]).toEqual(loads)
  })
})
