import { createHash } from 'node:crypto'
import { lstatSync, lutimesSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pull } from '../../../src/pull.ts'
import { claimedBy } from '../claims.ts'
import {
  addImage,
  type BuiltImage,
  type BuiltLayer,
  buildImage,
  buildLayer,
  createContent,
  noise,
  sha256,
} from '../image-builder.ts'
import { registry, withBasicAuth } from '../registry.ts'
import { serve } from '../serve.ts'

/** Where a command is tortured: everything that it may write to is below one directory. */
export interface Scene {
  readonly directory: string
  /** `HOST:PORT` of a registry, which knows `alice`. */
  readonly host: string
  readonly image: BuiltImage
  readonly layers: readonly BuiltLayer[]
  /** Of the image, in docker's format. */
  readonly archive: Buffer
  /** Names of claims that do not change, by a process that has died and by one that lives. */
  readonly claims: { readonly dead: string; readonly living: string }
  /** Empties everything. */
  clear(): void
  put(path: string, content: string | Buffer): void
  close(): Promise<void>
}

export const password = 'open sesame'

export interface SceneOptions {
  /** In bytes: of each layer that cannot be compressed. */
  readonly layerSizes: readonly number[]
}

/** The image has one more layer, which can be compressed, in two parts; and the first one a second time. */
export async function openScene(directory: string, { layerSizes }: SceneOptions): Promise<Scene> {
  const hard = await Promise.all(layerSizes.map((size, i) => buildLayer({ [`noise-${i}`]: noise(size) })))
  const soft = inTwoParts(await buildLayer({ last: Buffer.alloc(layerSizes[0] ?? 0, 'b') }))
  const layers = [...hard, soft]
  const image = buildImage({ layers: [...layers, ...layers.slice(0, 1)] })
  const content = createContent()
  for (const name of ['app:1', 'private/app:1']) addImage(content, image, name)
  const open = registry(content)
  const closed = withBasicAuth(open, 'alice', password)
  const server = await serve((request, response) =>
    (/^\/v2\/(private|$)/.test(request.url ?? '') ? closed : open)(request, response),
  )
  const whole = join(directory, 'image.tar')
  await pull([`${server.host}/app:1`], { output: whole, plainHttp: true })
  return {
    directory,
    host: server.host,
    image,
    layers,
    archive: readFileSync(whole),
    claims: { dead: claimedBy.dead(''), living: claimedBy.living('') },
    clear() {
      for (const name of readdirSync(directory))
        rmSync(join(directory, name), { recursive: true, force: true })
      for (const name of places) mkdirSync(join(directory, name))
    },
    put(path, content) {
      const file = join(directory, path)
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      writeFileSync(file, content)
    },
    close: () => server.close(),
  }
}

/** Its last part says at its end that the layer is smaller than it is. */
function inTwoParts({ tar, ...layer }: BuiltLayer): BuiltLayer {
  const middle = tar.length / 2 - ((tar.length / 2) % 512)
  const blob = Buffer.concat([gzipSync(tar.subarray(0, middle)), gzipSync(tar.subarray(middle))])
  return { ...layer, tar, blob, digest: sha256(blob) }
}

const places = ['home', 'work', 'tmp', 'cache']

/** What there is below the directory: the digest of a file, by its path; directories end in `/`. */
export type Snapshot = ReadonlyMap<string, string>

export function takeSnapshot(directory: string): Snapshot {
  const found = new Map<string, string>()
  for (const path of walk(directory)) {
    const file = join(directory, path)
    if (lstatSync(file).isDirectory()) found.set(`${path}/`, '')
    else found.set(path, createHash('sha256').update(readFileSync(file)).digest('hex'))
  }
  for (const name of places) found.delete(`${name}/`)
  return found
}

/** As if whoever left it had died long ago; but for those who live. */
export function makeOld({ directory, claims }: Scene): void {
  for (const path of walk(directory)) {
    if (!path.endsWith(claims.living)) lutimesSync(join(directory, path), 1, 1)
  }
}

function walk(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
}
