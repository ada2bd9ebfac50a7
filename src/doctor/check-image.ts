import { isDrayError } from '../errors.ts'
import { about, resolveContent } from '../image/resolve-image.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { decodeManifest, type ImageIndex } from '../oci/manifest.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Reference } from '../oci/reference.ts'
import { type Content, openRepository, type Repository } from '../registry/repository.ts'
import type { Outcome } from './finding.ts'
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

export interface Wish {
  readonly reference: Reference
  readonly platform: Platform
  /** The user named the platform: nothing else will do. */
  readonly platformIsWish: boolean
}

/**
 * Chooses the image for the platform, and reads its config, as a pull does. Resolves to the first blob to look for: the
 * first layer, or the config where that cannot be had, which is told in the step after this.
 */
export async function checkPlatform(content: Content, wish: Wish, visit: Visit): Promise<Descriptor> {
  return visit.run('platform', async (say) => {
    const document = about(wish.reference, () => decodeManifest(content.bytes, content.mediaType))
    if (document.kind === 'index') say(`the index has ${listPlatforms(document)}`)
    const repository = openRepository(visit.access)
    let config: Descriptor | undefined
    const observed: Repository = {
      ...repository,
      fetchBlob(descriptor, ...request) {
        config = descriptor
        return repository.fetchBlob(descriptor, ...request)
      },
    }
    try {
      return await choose(content, observed, wish, visit)
    } catch (error) {
      if (!config || !isOutOfReach(error)) throw error
      const summary = 'not known for certain: the config of the image could not be read'
      return { status: 'skipped', summary, value: config }
    }
  })
}

const longestList = 12

function listPlatforms({ manifests }: ImageIndex): string {
  const names = manifests.flatMap(({ platform }) => (platform ? [formatPlatform(platform)] : []))
  const distinct = [...new Set(names)].filter((name) => name !== 'unknown/unknown')
  const more = distinct.length - longestList
  return `${distinct.slice(0, longestList).join(', ') || 'no platforms'}${more > 0 ? ` and ${more} more` : ''}`
}

/** What the reference stands for is known by now, and not asked for again. */
async function choose(
  content: Content,
  repository: Repository,
  wish: Wish,
  { wires }: Visit,
): Promise<Outcome<Descriptor>> {
  const warnings: string[] = []
  const image = await impatiently('the config', wires, (signal) =>
    resolveContent(content, { ...wish, repository, signal, onWarning: (message) => warnings.push(message) }),
  )
  const fits = `${formatPlatform(image.platform)}, for ${formatPlatform(wish.platform)}`
  return {
    status: warnings.length > 0 ? 'warning' : 'ok',
    summary: warnings.join('; ') || fits,
    value: image.layers[0]?.descriptor ?? image.config,
  }
}

/** False for what is wrong with the image itself. */
function isOutOfReach(error: unknown): boolean {
  const codes = [
    'NETWORK',
    'TLS',
    'PROXY_AUTH',
    'POLICY',
    'UNAUTHORIZED',
    'NOT_FOUND',
    'RATE_LIMITED',
  ] as const
  return codes.some((code) => isDrayError(error, code))
}
