import { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestProblem, shortDigest } from '../oci/digest.ts'
import { decodeManifest } from '../oci/manifest.ts'
import type { Content, Repository } from './repository.ts'
import { type BlobOpener, resumeBody } from './resume.ts'
import { type Place, type RoundOptions, startRound } from './round.ts'

/**
 * One repository out of several places that serve it, best first: when one fails, the next goes on, in the middle of a
 * blob too. What fails everywhere fails with the error of the last place, and says what the others said.
 */
export function failover(
  places: readonly Place[],
  options: Omit<RoundOptions, 'what' | 'signal'>,
): Repository {
  const [only, ...others] = places
  if (only && others.length === 0) return only.repository
  const name = options.route.repository
  const blobPlaces = places.filter(({ endpoint }) => endpoint.serves !== 'tags')
  const trust = createTrust(blobPlaces)
  return {
    async fetchManifest(identifier, signal) {
      const isTag = digestProblem(identifier) !== undefined
      const able = isTag ? places.filter(({ endpoint }) => endpoint.serves !== 'digests') : blobPlaces
      const what = `${name}${isTag ? ':' : '@'}${identifier}`
      const round = startRound(able, { ...options, what, signal })
      return round.ask(async (place) => {
        const content = await place.repository.fetchManifest(identifier, signal)
        return isTag && place !== able.at(-1) ? checkIsManifest(content) : content
      })
    },
    async fetchBlob(descriptor, from, signal) {
      const { digest, size } = descriptor
      if (from >= size) return Readable.from([], { objectMode: false })
      const what = `blob ${shortDigest(digest)} of ${name}`
      const round = startRound(trust.placesFor(digest), { ...options, what, signal })
      if (from === 0) trust.forget(digest)
      const open: BlobOpener = (position) =>
        round.ask(async (place) => {
          const body = await place.repository.fetchBlob(descriptor, position, signal)
          trust.sentBy(digest, place)
          return { body, start: position, url: place.endpoint.root }
        })
      const tries = { failed: round.broke, reset: () => {} }
      return resumeBody(await open(from), open, { from, size, what, signal, tries })
    },
    async fetchPiece(descriptor, piece, signal) {
      const able = trust.placesFor(descriptor.digest)
      const first = able.find(({ endpoint }) => !options.standing.isLate(endpoint))
      const place = trust.lastSender(descriptor.digest) ?? first
      return place?.repository.fetchPiece(descriptor, piece, signal)
    },
    distrust(descriptor) {
      const liars = trust.withdraw(descriptor.digest)
      for (const liar of liars) tellOfLiar(liar, descriptor, options)
      return liars.length > 0
    },
  }
}

/** Whatever answers to the name of a tag is believed; the least is that it is a manifest. */
function checkIsManifest(content: Content): Content {
  decodeManifest(content.bytes, content.mediaType)
  return content
}

/** Who sent the bytes of a blob, and who is not to be asked for it again. */
function createTrust(places: readonly Place[]) {
  const senders = new Map<Digest, Set<Place>>()
  const liars = new Map<Digest, ReadonlySet<Place>>()
  const placesFor = (digest: Digest) => places.filter((place) => !liars.get(digest)?.has(place))
  return {
    placesFor,
    sentBy(digest: Digest, place: Place) {
      const others = [...(senders.get(digest) ?? [])].filter((other) => other !== place)
      senders.set(digest, new Set([...others, place]))
    },
    lastSender: (digest: Digest) => [...(senders.get(digest) ?? [])].at(-1),
    forget: (digest: Digest) => senders.delete(digest),
    /** Mirrors are suspected before the registry itself. No one, when no one else would be left. */
    withdraw(digest: Digest): readonly Place[] {
      const suspects = [...(senders.get(digest) ?? [])]
      const mirrors = suspects.filter((place) => place !== places.at(-1))
      const found = mirrors.length > 0 ? mirrors : suspects
      senders.delete(digest)
      if (placesFor(digest).every((place) => found.includes(place))) return []
      liars.set(digest, new Set([...(liars.get(digest) ?? []), ...found]))
      return found
    },
  }
}

function tellOfLiar(
  { name }: Place,
  { digest }: Descriptor,
  { onWarning, route }: Pick<RoundOptions, 'onWarning' | 'route'>,
): void {
  onWarning(
    `${name} sent wrong bytes for blob ${shortDigest(digest)} of ${route.repository}; fetching it elsewhere`,
  )
}
