import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, open, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildahIn } from './buildah.ts'
import type { Docker } from './dockerd.ts'
import { heavySize, type ImageName, images, platformReference, platforms } from './images.ts'
import { pushIndexWithAttestation } from './push-index.ts'
import { mustRun } from './run.ts'
import { manifestDigestBySkopeo } from './skopeo.ts'

interface Workshop {
  /** An empty directory. */
  readonly directory: string
  /** A plain http registry on loopback. */
  readonly host: string
  readonly docker: Docker
  readonly busybox: string
}

const says = JSON.stringify(['/busybox', 'cat', '/says'])

/** Makes all images with other people's tools, pushes them, and resolves to the reference of each. */
export async function buildImages(workshop: Workshop): Promise<Readonly<Record<ImageName, string>>> {
  await Promise.all([
    buildOneLayer(workshop),
    buildManyLayers(workshop),
    buildMultiPlatform(workshop),
    buildOci(workshop),
    buildZstd(workshop),
    buildHeavy(workshop),
  ])
  return references(workshop.host, await buildNameless(workshop))
}

/** `docker import`: a root file system becomes an image of one layer. */
async function buildOneLayer({ directory, host, docker, busybox }: Workshop): Promise<void> {
  const root = await makeRoot(join(directory, 'one-layer'), busybox, images.oneLayer.says)
  const archive = `${root}.tar`
  await mustRun('tar', ['-C', root, '-cf', archive, '.'])
  const name = `${host}/${images.oneLayer.repository}:${images.oneLayer.tag}`
  await docker('import', `--change=CMD ${says}`, archive, name)
  await docker('push', '--quiet', name)
}

const dockerfile = `
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "/bin"]
COPY names /names/
COPY again /again/
RUN rm /again/same.txt
COPY again /again/
RUN mkdir -p /replaced/directory && touch /replaced/directory/old.txt /replaced/gone.txt
RUN rm -r /replaced && mkdir -p /replaced/directory && touch /replaced/directory/new.txt
`

const printEverything = `
echo "$SIGNS"
find /again /names /replaced -mindepth 1 -not -path /replaced/directory | sort
test /bin/cat -ef /bin/ls && echo cat and ls are one file
cat /again/same.txt
`

/** `docker build` for the file systems; buildah adds the metadata and, as always, one layer: an empty one. */
async function buildManyLayers({ directory, host, docker, busybox }: Workshop): Promise<void> {
  const context = join(directory, 'many-layers')
  await mkdir(join(context, 'names', 'ünï <&>'), { recursive: true })
  await mkdir(join(context, 'again'))
  await copyFile(busybox, join(context, 'busybox'))
  await writeFile(join(context, 'names', 'ünï <&>', '日本語 😀.txt'), 'grüße\n')
  await writeFile(join(context, 'again', 'same.txt'), 'the same file, twice\n')
  await writeFile(join(context, 'Dockerfile'), dockerfile)
  // The same times give the same layer again.
  for (const path of ['again/same.txt', 'again'])
    await utimes(join(context, path), 1_577_934_245, 1_577_934_245)

  const layers = `${host}/${images.manyLayers.repository}:layers`
  await docker.build(context, layers)
  await docker('push', '--quiet', layers)
  await buildahIn(join(directory, 'many-layers-storage'))({
    from: `docker://${layers}`,
    format: 'docker',
    destination: `docker://${host}/${images.manyLayers.repository}:${images.manyLayers.tag}`,
    config: [
      ...[
        '--env',
        'SIGNS=<>& 🚀',
        '--env',
        'EMPTY=',
        '--label',
        'html=<b>&amp;</b>\u2028',
        '--label',
        'emoji=🚀 grüße',
      ],
      ...[
        '--port',
        '443/udp',
        '--port',
        '80',
        '--volume',
        '/data',
        '--user',
        '1000:1000',
        '--workingdir',
        '/names',
      ],
      ...['--healthcheck', 'CMD /bin/true', '--healthcheck-interval', '5s', '--stop-signal', 'SIGINT'],
      ...['--onbuild', 'LABEL later=yes', '--shell', '/bin/sh -ec', '--author', 'Ænne <aenne@example.com>'],
      ...['--comment', '"quoted" & <bracketed>', '--hostname', 'host', '--domainname', 'example.com'],
      ...['--entrypoint', '["/bin/sh", "-c"]', '--cmd', JSON.stringify([printEverything])],
    ],
  })
}

/** buildah for each platform, and an index over them. */
async function buildMultiPlatform({ directory, host, busybox }: Workshop): Promise<void> {
  const { repository, tag = '' } = images.multiPlatform
  const buildah = buildahIn(join(directory, 'multi-platform-storage'))
  const entries = []
  for (const platform of platforms) {
    const [os = '', architecture = '', variant] = platform.split('/')
    const reference = platformReference(host, platform)
    const platformTag = reference.replace(/^.*:/, '')
    await buildah({
      add: [await makeRoot(join(directory, platformTag), busybox, platform)],
      format: 'oci',
      destination: `docker://${reference}`,
      config: ['--cmd', says, '--os', os, '--arch', architecture, ...(variant ? ['--variant', variant] : [])],
    })
    entries.push({ tag: platformTag, platform: { os, architecture, ...(variant && { variant }) } })
  }
  await pushIndexWithAttestation(`http://${host}/v2/${repository}`, tag, entries)
}

/** umoci, which leaves the media type out of its manifests; skopeo turns the same image into one of Docker's types. */
async function buildOci({ directory, host, busybox }: Workshop): Promise<void> {
  const layout = await makeLayout(directory, images.oci.says, busybox)
  await copy(`oci:${layout}:1`, `docker://${host}/${images.oci.repository}:${images.oci.tag}`)
  const { repository, tag } = images.longName
  await copy(`oci:${layout}:1`, `docker://${host}/${repository}:${tag}`, '--format=v2s2')
}

/** buildah leaves its layers plain, skopeo compresses them. */
async function buildZstd({ directory, host, busybox }: Workshop): Promise<void> {
  const layout = `oci:${join(directory, 'zstd-layout')}:1`
  await buildahIn(join(directory, 'zstd-storage'))({
    add: [await makeRoot(join(directory, 'zstd'), busybox, images.zstd.says)],
    config: ['--cmd', says],
    format: 'oci',
    destination: layout,
  })
  await copy(
    layout,
    `docker://${host}/${images.zstd.repository}:${images.zstd.tag}`,
    '--dest-compress-format=zstd',
  )
}

/** buildah around a file of which one half can be compressed. */
async function buildHeavy({ directory, host, busybox }: Workshop): Promise<void> {
  const root = await makeRoot(join(directory, 'heavy'), busybox, '')
  await writePayload(join(root, 'payload'), heavySize)
  await buildahIn(join(directory, 'heavy-storage'))({
    add: [root],
    config: ['--cmd', JSON.stringify(['/busybox', 'wc', '-c', '/payload'])],
    format: 'docker',
    destination: `docker://${host}/${images.heavy.repository}:${images.heavy.tag}`,
  })
}

/** Pushed under its digest; resolves to that. */
async function buildNameless({ directory, host, busybox }: Workshop): Promise<string> {
  const layout = `oci:${await makeLayout(directory, images.nameless.says, busybox)}:1`
  const digest = await manifestDigestBySkopeo(layout)
  await copy(layout, `docker://${host}/${images.nameless.repository}@${digest}`)
  return digest
}

function references(host: string, namelessDigest: string): Readonly<Record<ImageName, string>> {
  const entries = Object.entries(images).map(([name, { repository, tag }]) => {
    return [
      name,
      tag === undefined ? `${host}/${repository}@${namelessDigest}` : `${host}/${repository}:${tag}`,
    ]
  })
  return Object.fromEntries(entries)
}

async function makeRoot(root: string, busybox: string, text: string): Promise<string> {
  await mkdir(root, { recursive: true })
  await copyFile(busybox, join(root, 'busybox'))
  await writeFile(join(root, 'says'), `${text}\n`)
  return root
}

async function makeLayout(directory: string, text: string, busybox: string): Promise<string> {
  const layout = join(directory, `${text}-layout`)
  const image = `--image=${layout}:1`
  const bundle = join(directory, `${text}-bundle`)
  await mustRun('umoci', ['init', `--layout=${layout}`])
  await mustRun('umoci', ['new', image])
  await mustRun('umoci', ['unpack', image, bundle])
  await makeRoot(join(bundle, 'rootfs'), busybox, text)
  await mustRun('umoci', ['repack', image, bundle])
  await mustRun('umoci', [
    'config',
    image,
    ...['/busybox', 'cat', '/says'].map((word) => `--config.cmd=${word}`),
  ])
  return layout
}

async function copy(source: string, destination: string, ...options: readonly string[]): Promise<void> {
  await mustRun('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', ...options, source, destination])
}

async function writePayload(path: string, size: number): Promise<void> {
  const half = 500_000
  const text = Buffer.alloc(half, 'All work and no play makes Jack a dull boy.\n')
  const file = await open(path, 'wx')
  for (let written = 0; written < size; written += 2 * half) await file.writev([randomBytes(half), text])
  await file.close()
}
