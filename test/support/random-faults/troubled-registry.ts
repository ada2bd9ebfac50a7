import type { IncomingMessage } from 'node:http'
import { redirect } from '../faults/answers.ts'
import { spoil } from '../faults/fault.ts'
import type { RegistryContent } from '../image-builder.ts'
import { registry, type TokenAuthOptions, withTokenAuth } from '../registry.ts'
import { type Handler, serve } from '../serve.ts'
import { createChance, seedFor } from '../soak/chance.ts'
import { drawFault } from './random-fault.ts'
import type { Scene } from './scene.ts'

export interface TroubledRegistry {
  /** `host:port`, the first part of a reference. */
  readonly host: string
  /** The faults that were met so far, in order. */
  readonly met: readonly string[]
  /** How many requests came so far. */
  requests(): number
  /** All is well from now on. */
  heal(): void
  close(): Promise<void>
}

/** A registry of which some answers go wrong, by the seed of a scene; `onRequest` is told of each request. */
export async function openTroubledRegistry(
  scene: Scene,
  content: RegistryContent,
  onRequest: (count: number) => void,
): Promise<TroubledRegistry> {
  const met: string[] = []
  let isWell = false
  let count = 0
  const trouble = (next: Handler, place: string): Handler => {
    const faultFor = createFaults(scene, place)
    return (request, response) => {
      count += 1
      onRequest(count)
      const found = isWell ? undefined : faultFor(request)
      if (!found) return next(request, response)
      met.push(`${place}${request.url}${request.headers.range ? ' (rest)' : ''} ${found.name}`)
      return spoil(next, { at: () => true, meet: [found.fault] })(request, response)
    }
  }
  const sound = registry(content)
  const storage = await serve(trouble(sound, 'storage '))
  const elsewhere = spoil(sound, {
    at: ({ url }) => scene.storage && url?.includes('/blobs/') === true,
    meet: [],
    forever: redirect(307, `${storage.url}$URL?signature=x`),
  })
  const server = await serve(
    trouble(scene.tokens ? guard(elsewhere, scene.tokens, () => isWell) : elsewhere, ''),
  )
  return {
    host: server.host,
    met,
    requests: () => count,
    heal: () => {
      isWell = true
    },
    close: async () => {
      await Promise.all([server.close(), storage.close()])
    },
  }
}

/** Tokens are good for few requests, until all is well: so few that requests take them from each other. */
function guard(next: Handler, tokens: TokenAuthOptions, isWell: () => boolean): Handler {
  const [troubled, sound] = [withTokenAuth(next, tokens), withTokenAuth(next, { ...tokens, uses: 1000 })]
  return (request, response) => (isWell() ? sound : troubled)(request, response)
}

/** The n-th request for a URL meets the same whenever it comes, so that a seed gives the same faults again. */
function createFaults({ seed, trouble, patience }: Scene, place: string) {
  const counts = new Map<string, number>()
  return (request: IncomingMessage) => {
    const path = request.url?.split('?')[0] ?? ''
    const count = counts.get(path) ?? 0
    counts.set(path, count + 1)
    const chance = createChance(seedFor(seed, `${place}${path} ${count}`))
    if (count >= patience || !chance.happens(trouble)) return undefined
    return drawFault(chance, request.headers.range !== undefined)
  }
}
