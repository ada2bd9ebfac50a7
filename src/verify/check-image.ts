import { isDrayError, quote } from '../errors.ts'
import { type Digest, digestAlgorithm, digestOf } from '../oci/digest.ts'
import { decodeImageConfig, type ImageConfig } from '../oci/manifest.ts'
import { formatPlatform } from '../oci/platform.ts'
import { type EntryTable, type FileEntry, largestDocument } from './entry-table.ts'
import type { ProblemList } from './problem-list.ts'
import type { Problem, VerifiedImage, VerifiedLayer } from './verdict.ts'

/** What checks need to know. */
export interface CheckContext {
  readonly table: EntryTable
  readonly problems: ProblemList
  /** All entries were read; otherwise what is missing may only not have been reached. */
  readonly complete: boolean
}

/** An image whose config was found; what engines look at besides. */
export interface CheckedImage extends VerifiedImage {
  readonly config: ImageConfig
  /** The paths that lead to its layers, as they are written there. */
  readonly layerPaths: readonly string[]
}

/** The file at a path; undefined when there is none, which is a problem then. */
export function findFile(
  path: string,
  place: string,
  { table, problems, complete }: CheckContext,
): FileEntry | undefined {
  const found = table.find(path)
  if (typeof found !== 'string') return found
  if (complete || table.has(path)) problems.broken(place, found, `missing ${path}`)
  return undefined
}

/** The text of a document; undefined when dray has not kept it, which is a problem then. */
export function documentBytes(
  file: FileEntry,
  place: string,
  { problems }: CheckContext,
): Buffer | undefined {
  if (file.bytes) return file.bytes
  const message =
    file.size > largestDocument
      ? `has ${file.size} bytes; a document has at most ${largestDocument}`
      : 'is no JSON document, or there are too many in the archive'
  problems.unreadable(place, message, file.path)
  return undefined
}

/** Decodes a document; what is wrong with it becomes a problem. */
export function decodeOr<T>(
  decode: () => T,
  {
    place,
    about,
    problems,
  }: { readonly place: string; readonly about: string; readonly problems: ProblemList },
): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (!isDrayError(error)) throw error
    const report = error.code === 'UNSUPPORTED' ? problems.unreadable : problems.broken
    report(place, error.message, about)
    return undefined
  }
}

export interface ImageParts {
  /** `image 2 of 3, ` or nothing. */
  readonly prefix: string
  readonly names: readonly string[]
  readonly digest?: Digest
  readonly configPath: string
  readonly layerPaths: readonly string[]
}

/** The config, and each layer against the diffID that the config has for it. Undefined when the config cannot be read. */
export function checkImage(
  { prefix, names, digest, configPath, layerPaths }: ImageParts,
  context: CheckContext,
): CheckedImage | undefined {
  const { problems } = context
  const place = `${prefix}config, ${namePath(configPath)}`
  const file = findFile(configPath, place, context)
  const bytes = file && documentBytes(file, place, context)
  const config = bytes && decodeOr(() => decodeImageConfig(bytes), { place, about: configPath, problems })
  if (!config || !bytes) return undefined
  const { diffIds } = config
  if (layerPaths.length !== diffIds.length) {
    const message = `it has ${diffIds.length} diff_ids, but the image has ${layerPaths.length} layers`
    problems.broken(place, message, `length ${configPath}`)
  }
  const layers = layerPaths.map((path, i) => {
    const layerPlace = `${prefix}layer ${i + 1} of ${layerPaths.length}, ${namePath(path)}`
    return checkLayer(path, layerPlace, diffIds[i], context)
  })
  return {
    names,
    platform: formatPlatform(config.platform),
    imageId: digestOf(bytes),
    ...(digest !== undefined && { digest }),
    layers: layers.filter((layer) => layer !== undefined),
    config,
    layerPaths,
  }
}

function checkLayer(
  path: string,
  place: string,
  diffId: Digest | undefined,
  context: CheckContext,
): VerifiedLayer | undefined {
  const file = findFile(path, place, context)
  if (!file || diffId === undefined) return undefined
  const problem = diffIdProblem(file, diffId)
  if (problem) context.problems.add({ place, ...problem }, file.path)
  const { size, compression } = file
  return { path: file.path, size, digest: file.digests.sha256 ?? diffId, diffId, compression }
}

function diffIdProblem(
  { unpacked, compression, digests }: FileEntry,
  diffId: Digest,
): Omit<Problem, 'place'> | undefined {
  if (compression === 'xz' || compression === 'bzip2') {
    const message = `is compressed with ${compression}, which dray does not read: what is in it was not checked`
    return { kind: 'unreadable', message }
  }
  if (unpacked instanceof Error) {
    return { kind: unpacked.code === 'UNSUPPORTED' ? 'unreadable' : 'broken', message: unpacked.message }
  }
  const actual = (unpacked?.digests ?? digests)[digestAlgorithm(diffId)]
  if (actual === diffId) return undefined
  if (actual === undefined) {
    return {
      kind: 'unreadable',
      message: `its diffID is a ${digestAlgorithm(diffId)}, which was not computed`,
    }
  }
  const what = unpacked ? 'unpacked, its content' : 'its content'
  return {
    kind: 'broken',
    message: `${what} has the digest ${actual}, not ${diffId}, the diffID in the config`,
  }
}

/** Compares a file with the digest in its own name or in what points to it, and its size where that is known. */
export function checkDigest(
  file: FileEntry,
  place: string,
  expected: { readonly digest: Digest; readonly size?: number; readonly by: string },
  { problems }: CheckContext,
): void {
  const { digest, size, by } = expected
  const actual = file.digests[digestAlgorithm(digest)]
  const parts = [
    actual !== digest && `its content has the digest ${actual}, not ${digest}`,
    size !== undefined && size !== file.size && `it has ${file.size} bytes, not ${size}`,
  ].filter((part) => part !== false)
  if (parts.length > 0) problems.broken(place, `${parts.join('; ')} (${by})`, file.path)
}

/** As a message names it. */
export function namePath(path: string): string {
  return /^[\w./:@+-]+$/.test(path) ? path : quote(path)
}
