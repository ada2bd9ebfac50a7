import { DrayError, isDrayError } from '../errors.ts'
import {
  checkIsImage,
  decodeImageConfig,
  decodeManifest,
  type ImageIndex,
  type ImageManifest,
} from '../oci/manifest.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Reference } from '../oci/reference.ts'
import { platformMatches, selectPlatform } from '../oci/select-platform.ts'
import { readBlob } from '../registry/read-blob.ts'
import { type Content, openRepository } from '../registry/repository.ts'
import type { Outcome, Say } from './finding.ts'
import { impatiently } from './impatience.ts'
import type { TokenFetch } from './observe.ts'
import type { Visit } from './visit.ts'

/** Asks for what the reference stands for, and first for the token that the registry wants for it. */
export async function checkManifest(reference: Reference, visit: Visit): Promise<Content> {
  const identifier = reference.digest ?? reference.tag ?? 'latest'
  const began = performance.now()
  const [answer] = await Promise.allSettled([
    openRepository(visit.access).fetchManifest(identifier, visit.signal),
  ])
  const fetch = visit.tokenFetches.at(-1)
  const elapsed = performance.now() - began - (fetch?.elapsed ?? 0)
  const content = () => {
    if (answer.status === 'rejected') throw answer.reason
    return answer.value
  }
  await visit.run('token', async () => describeToken(fetch, content))
  return visit.run('manifest', async () => {
    const value = content()
    const summary = `${value.digest}, ${value.mediaType ?? 'of no type'}, ${value.bytes.length} bytes`
    return { summary, elapsed, value }
  })
}

/** What a failed request for a token led to is told here, since it says what it was for. */
function describeToken(fetch: TokenFetch | undefined, content: () => Content): Outcome<undefined> {
  if (!fetch) return { status: 'skipped', summary: 'none was asked for', value: undefined }
  const { outcome, elapsed } = fetch
  if ('error' in outcome) {
    content()
    return { status: 'warning', summary: 'refused, and not needed', elapsed, value: undefined }
  }
  const seconds = Math.round((outcome.token.expiresAt - performance.now()) / 1000)
  return { summary: `got one, which expires in ${seconds} s`, elapsed, value: undefined }
}

export interface WantedPlatform {
  readonly platform: Platform
  /** The user named it: nothing else will do. */
  readonly isWish: boolean
}

/** Chooses the image for the platform, as a pull does. */
export async function checkPlatform(
  content: Content,
  wanted: WantedPlatform,
  visit: Visit,
): Promise<ImageManifest> {
  return visit.run('platform', async (say) => {
    const { manifest, platform } = await findManifest(content, wanted.platform, visit, say)
    checkIsImage(manifest)
    const found = platform ?? (await readPlatform(manifest, visit))
    return { ...judgePlatform(found, wanted), value: manifest }
  })
}

interface Found {
  readonly manifest: ImageManifest
  /** As the index has it. */
  readonly platform?: Platform | undefined
}

/** Indexes in indexes are followed as deep as a pull does. */
async function findManifest(
  content: Content,
  wanted: Platform,
  visit: Visit,
  say: Say,
  depth = 3,
): Promise<Found> {
  const document = decodeManifest(content.bytes, content.mediaType)
  if (document.kind === 'manifest') return { manifest: document }
  say(`the index has ${listPlatforms(document)}`)
  const [entry] = selectPlatform(document.manifests, wanted)
  if (!entry || depth === 0)
    throw new DrayError('UNSUPPORTED', 'the indexes of the image are nested too deeply')
  const chosen = await openRepository(visit.access).fetchManifest(entry.digest, visit.signal)
  const found = await findManifest({ ...chosen, mediaType: entry.mediaType }, wanted, visit, say, depth - 1)
  return { ...found, platform: found.platform ?? entry.platform }
}

const longestList = 12

function listPlatforms({ manifests }: ImageIndex): string {
  const names = manifests.flatMap(({ platform }) => (platform ? [formatPlatform(platform)] : []))
  const distinct = [...new Set(names)].filter((name) => name !== 'unknown/unknown')
  const more = distinct.length - longestList
  return `${distinct.slice(0, longestList).join(', ') || 'no platforms'}${more > 0 ? ` and ${more} more` : ''}`
}

const configLimit = 8 * 1024 * 1024

/** Undefined when the blobs of the registry cannot be had, which is told in its own step. */
async function readPlatform({ config }: ImageManifest, visit: Visit): Promise<Platform | undefined> {
  const { access, wires } = visit
  try {
    return await impatiently('the config', wires, async (signal) => {
      const bytes = await readBlob(openRepository(access), config, { limit: configLimit, signal })
      return decodeImageConfig(bytes).platform
    })
  } catch (error) {
    if (!isDrayError(error) || error.code === 'ABORTED' || error.code === 'INTEGRITY') throw error
    return undefined
  }
}

function judgePlatform(
  found: Platform | undefined,
  { platform, isWish }: WantedPlatform,
): Pick<Outcome<unknown>, 'status' | 'summary'> {
  if (!found) return { status: 'skipped', summary: 'not known: it is in the config, which could not be read' }
  const names = [formatPlatform(found), formatPlatform(platform)] as const
  if (platformMatches(platform, found)) return { summary: `${names[0]}, for ${names[1]}` }
  if (isWish) throw wrongPlatform(...names)
  return { status: 'warning', summary: `the image is for ${names[0]} only, and this is ${names[1]}` }
}

function wrongPlatform(found: string, wanted: string): DrayError {
  return new DrayError('NO_MATCHING_PLATFORM', `the image is for ${found}, not ${wanted}`, {
    hint: `use --platform ${found}`,
  })
}
