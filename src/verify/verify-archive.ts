import type { Readable } from 'node:stream'
import { isDrayError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { describeWriter, recognizeFormat } from './archive-kind.ts'
import { traitsOf } from './archive-traits.ts'
import type { CheckContext, CheckedImage } from './check-image.ts'
import { type CheckedLayout, checkBlobNames, checkLayout } from './check-layout.ts'
import { checkLegacyArchive, checkLegacyFiles } from './check-legacy.ts'
import { checkManifestJson } from './check-manifest-json.ts'
import { judgeEngines } from './engines.ts'
import { buildTable } from './entry-table.ts'
import { type OuterStream, openOuter, readError } from './outer-stream.ts'
import { createProblemList } from './problem-list.ts'
import { readTar, type TarEnd, type TarEntry } from './read-tar.ts'
import type { ArchiveKind, Verdict, VerifiedImage } from './verdict.ts'

export interface VerifyOptions {
  /** As messages call it. */
  readonly name: string
  /** What its sha256 should be, and which file says so. */
  readonly expected?: { readonly digest: Digest; readonly file: string } | undefined
  /** Ends it: rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads an archive of images once, from its beginning to its end, and checks every digest, diffID and size in it. Memory is
 * bounded, whatever is in the archive; layers are hashed, never written anywhere nor looked into. What is wrong with the
 * archive stands in the verdict. Throws FILE when it cannot be read, or is compressed in a way that dray does not read.
 */
export async function verifyArchive(source: Readable, options: VerifyOptions): Promise<Verdict> {
  const { name, expected } = options
  const outer = await openOuter(source, options)
  const problems = createProblemList()
  const warnings: string[] = []
  const { table, add } = buildTable(problems, warnings)
  const end = await walk(outer, add, options)
  if (end.problem) problems.add(end.problem)

  const format = recognizeFormat(table)
  const context: CheckContext = { table, problems, complete: end.complete }
  const checked = checkAll(format, context)
  if (format === 'unknown' && end.complete) {
    const message = 'neither manifest.json nor index.json is in it: it is no archive of images'
    problems.broken(
      end.size === 0 ? 'byte 0' : 'the whole',
      end.size === 0 ? 'the archive is empty' : message,
    )
  }
  warnings.push(...warningsOf(format, checked), ...warningsOfEnd(end))
  if (expected && end.complete) {
    const actual = outer.digest()
    const message = `the archive as a whole has the digest ${actual}, not ${expected.digest}, as ${expected.file} says`
    if (actual !== expected.digest) problems.broken(name, message)
  }
  const { fromManifest, fromLayout, absent } = checked
  const images = [...fromManifest, ...fromLayout]
  const { compression } = outer
  const ok = problems.count === 0
  return {
    archive: name,
    ok,
    format,
    writer: describeWriter(format, table, images),
    compression,
    size: outer.size(),
    ...(expected && { checksumFile: expected.file }),
    images: mergeImages(images),
    problems: problems.first,
    moreProblems: problems.count - problems.first.length,
    warnings,
    engines: ok
      ? judgeEngines(traitsOf({ format, compression, table, fromManifest, fromLayout, absent }))
      : [],
  }
}

type OnEntry = (entry: TarEntry) => Promise<void>

/** Data that do not decompress are a problem of the archive; whatever else fails is thrown. */
async function walk(outer: OuterStream, onEntry: OnEntry, options: VerifyOptions): Promise<TarEnd> {
  try {
    return await readTar(outer.content, onEntry)
  } catch (error) {
    const reason = readError(error, options)
    if (!isDrayError(reason, 'INTEGRITY') && !isDrayError(reason, 'UNSUPPORTED')) throw reason
    const kind = reason.code === 'INTEGRITY' ? 'broken' : 'unreadable'
    const problem = { kind, place: `near byte ${outer.size()}`, message: reason.message } as const
    return { size: outer.size(), endMark: 'missing', complete: false, problem }
  } finally {
    outer.close()
  }
}

interface Checked {
  readonly fromManifest: readonly CheckedImage[]
  readonly fromLayout: readonly CheckedImage[]
  /** Manifests of other platforms that are not there. */
  readonly absent: number
  /** Names in an archive that has nothing else to go by. */
  readonly legacyNames: readonly string[]
}

const noLayout: CheckedLayout = { images: [], absent: 0 }

function checkAll(format: ArchiveKind, context: CheckContext): Checked {
  const { images: fromLayout, absent } = context.table.has('index.json') ? checkLayout(context) : noLayout
  const fromManifest = context.table.has('manifest.json') ? checkManifestJson(context) : []
  checkBlobNames(context)
  checkLegacyFiles(context)
  const legacyNames = format === 'legacy' ? checkLegacyArchive(context) : []
  return { fromManifest, fromLayout, absent, legacyNames }
}

/** What one engine takes for an image, another should take for the same. */
function warningsOf(
  format: ArchiveKind,
  { fromManifest, fromLayout, legacyNames }: Checked,
): readonly string[] {
  if (format === 'legacy') {
    return [`docker before 1.10 wrote no digests: of ${legacyNames.join(', ')}, nothing could be compared`]
  }
  const known = new Set(fromLayout.map(({ imageId }) => imageId))
  const strangers = fromLayout.length > 0 ? fromManifest.filter(({ imageId }) => !known.has(imageId)) : []
  return strangers.map(({ imageId, names }) => {
    const [name = imageId] = names
    return `index.json does not lead to the image that manifest.json calls ${name}: engines load different ones`
  })
}

function warningsOfEnd({ complete, endMark }: TarEnd): readonly string[] {
  if (!complete || endMark === 'whole') return []
  return [
    `the two blocks of zeros at the end are ${endMark === 'cut' ? 'cut short' : 'not there'}: was the file cut?`,
  ]
}

/** An image that is found twice, through manifest.json and index.json, is one. */
function mergeImages(images: readonly CheckedImage[]): readonly VerifiedImage[] {
  const merged = new Map<string, VerifiedImage>()
  for (const { config: _, layerPaths: __, ...image } of images) {
    const { digest, ...earlier } = merged.get(image.imageId) ?? image
    const names = [...new Set([...earlier.names, ...image.names])]
    const manifest = image.digest ?? digest
    merged.set(image.imageId, { ...earlier, names, ...(manifest !== undefined && { digest: manifest }) })
  }
  return [...merged.values()]
}
