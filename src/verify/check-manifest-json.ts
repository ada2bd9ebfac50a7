import { DrayError } from '../errors.ts'
import { type Digest, digestProblem, parseDigest } from '../oci/digest.ts'
import { decodeText, expectArray, expectObject, isAbsent, type JsonObject } from '../oci/json.ts'
import {
  type CheckContext,
  type CheckedImage,
  checkDigest,
  checkImage,
  decodeOr,
  documentBytes,
  findFile,
  namePath,
} from './check-image.ts'

/** The images that manifest.json leads to (docker image spec v1.2), with everything of theirs checked. */
export function checkManifestJson(context: CheckContext): readonly CheckedImage[] {
  const place = 'manifest.json'
  const file = findFile(place, place, context)
  const bytes = file && documentBytes(file, place, context)
  if (!bytes) return []
  const { problems } = context
  const items = decodeOr(() => decodeItems(bytes), { place, about: place, problems }) ?? []
  return items
    .map((item, i) =>
      checkItem(item, { ...context, prefix: items.length > 1 ? `image ${i + 1} of ${items.length}, ` : '' }),
    )
    .filter((image) => image !== undefined)
}

/** One item of manifest.json. */
interface Item {
  readonly config: string
  readonly names: readonly string[]
  readonly layers: readonly string[]
  /** Descriptors by diffID, from docker 25 on. */
  readonly sources: JsonObject
}

function decodeItems(bytes: Buffer): readonly Item[] {
  const text = decodeText(bytes)
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (cause) {
    throw new DrayError('INTEGRITY', 'is not valid JSON', { cause })
  }
  const items = expectArray(list, 'it').map((item) => decodeItem(expectObject(item, 'an item of it')))
  if (items.length === 0) throw new DrayError('INTEGRITY', 'lists no image')
  return items
}

function decodeItem(item: JsonObject): Item {
  const config = member(item, 'Config')
  if (typeof config !== 'string' || config === '')
    throw new DrayError('INTEGRITY', 'an item of it has no Config')
  return {
    config,
    names: strings(member(item, 'RepoTags') ?? [], 'RepoTags'),
    layers: strings(member(item, 'Layers') ?? [], 'Layers'),
    sources: expectObject(member(item, 'LayerSources') ?? {}, 'LayerSources'),
  }
}

/** In any case, as Go's decoder takes it; the last of several wins. */
function member(object: JsonObject, name: string): unknown {
  const found = Object.entries(object).findLast(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return isAbsent(found) ? undefined : found
}

function strings(value: unknown, what: string): readonly string[] {
  const list = expectArray(value, what)
  if (list.every((each) => typeof each === 'string')) return list
  throw new DrayError('INTEGRITY', `${what} must be strings`)
}

function checkItem(
  { config, names, layers, sources }: Item,
  context: CheckContext & { readonly prefix: string },
): CheckedImage | undefined {
  const { prefix, problems } = context
  const outside = [config, ...layers].find((path) => path.split('/').includes('..'))
  if (outside !== undefined) {
    problems.broken('manifest.json', `the path ${namePath(outside)} leads out of the archive`)
    return undefined
  }
  checkNamedDigest(config, `${prefix}config, ${namePath(config)}`, context)
  for (const [i, layer] of layers.entries()) {
    const place = `${prefix}layer ${i + 1} of ${layers.length}, ${namePath(layer)}`
    if (isBlob(layer)) checkNamedDigest(layer, place, context)
  }
  const image = checkImage({ prefix, names, configPath: config, layerPaths: layers }, context)
  for (const [i, layer] of layers.entries()) {
    const place = `${prefix}layer ${i + 1} of ${layers.length}, ${namePath(layer)}`
    checkFlatName(layer, place, context)
    checkSource(layer, place, sources[image?.config.diffIds[i] ?? ''], context)
  }
  return image
}

function isBlob(path: string): boolean {
  return path.startsWith('blobs/')
}

/** `<hex>.json`, `sha256:<hex>`, `blobs/sha256/<hex>` say what is in them. */
function checkNamedDigest(path: string, place: string, context: CheckContext): void {
  const digest = digestInName(path)
  const found = context.table.find(path)
  if (digest === undefined || typeof found === 'string') return
  checkDigest(found, place, { digest, by: 'as its name says' }, context)
}

export function digestInName(path: string): Digest | undefined {
  const [, algorithm = 'sha256', hex = ''] =
    /^(?:\.\/)?(?:blobs\/(sha256|sha512)\/|sha256:)?([0-9a-f]{64,128})(?:\.json)?$/.exec(path) ?? []
  const text = `${algorithm}:${hex}`
  return digestProblem(text) === undefined ? parseDigest(text) : undefined
}

/** A layer at the top is called by its diffID (skopeo, podman) or its digest (crane, kaniko). */
function checkFlatName(path: string, place: string, { table, problems }: CheckContext): void {
  const hex = /^([0-9a-f]{64})\.tar(\.gz)?$/.exec(path)?.[1]
  const file = table.find(path)
  if (hex === undefined || typeof file === 'string' || problems.has(file.path)) return
  const unpacked = file.unpacked && !(file.unpacked instanceof Error) ? file.unpacked : file
  const own = [file, unpacked].map(({ digests }) => digests.sha256)
  if (own.includes(parseDigest(`sha256:${hex}`))) return
  problems.broken(
    place,
    `its content has the digest ${own[0]}, which is not what it is called after`,
    file.path,
  )
}

/** docker notes the size and the digest of each layer once more. */
function checkSource(path: string, place: string, source: unknown, context: CheckContext): void {
  const file = context.table.find(path)
  if (typeof file === 'string' || isAbsent(source) || typeof source !== 'object') return
  const { digest, size } = source as JsonObject
  if (typeof digest !== 'string' || digestProblem(digest) !== undefined || typeof size !== 'number') return
  checkDigest(
    file,
    place,
    { digest: parseDigest(digest), size, by: 'as LayerSources in manifest.json says' },
    context,
  )
}
