import type { TokenAuthOptions } from '../registry.ts'
import { type Chance, createChance } from '../soak/chance.ts'

/** A pull, and what will happen to it: all of it comes from one seed. */
export interface Scene {
  readonly seed: number
  /** Of those in `wares.ts`. */
  readonly images: readonly string[]
  readonly format: 'docker' | 'oci'
  readonly jobs: number
  readonly retries: number
  readonly cache: boolean
  readonly output: 'file' | 'stdout'
  /** There is an archive already. */
  readonly old: boolean
  readonly tokens: TokenAuthOptions | undefined
  /** The registry has its layers elsewhere. */
  readonly storage: boolean
  /** How probable it is that a request meets a fault. */
  readonly trouble: number
  /** How often the same request meets one at most. */
  readonly patience: number
  readonly strike: Strike | undefined
}

/** A signal that comes with a request, and so many milliseconds later. */
export interface Strike {
  readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'
  readonly request: number
  readonly delay: number
}

export function drawScene(seed: number, names: readonly string[]): Scene {
  const chance = createChance(seed)
  const images = names.filter(() => chance.happens(0.5))
  return {
    seed,
    images: images.length > 0 ? images : names.slice(0, 1),
    format: chance.pick(['docker', 'oci']),
    jobs: chance.between(1, 6),
    retries: chance.between(0, 4),
    cache: chance.happens(0.4),
    output: chance.happens(0.2) ? 'stdout' : 'file',
    old: chance.happens(0.5),
    tokens: chance.happens(0.5)
      ? { uses: chance.between(1, 8), field: chance.pick(['token', 'access_token']) }
      : undefined,
    storage: chance.happens(0.3),
    trouble: chance.pick([0.15, 0.4, 0.8]),
    patience: chance.pick([1, 2, 3, 50]),
    strike: chance.happens(0.25) ? drawStrike(chance) : undefined,
  }
}

function drawStrike(chance: Chance): Strike {
  return {
    signal: chance.pick(['SIGINT', 'SIGTERM', 'SIGKILL']),
    request: chance.between(1, 14),
    delay: chance.between(0, 120),
  }
}

/** The scene as it is told. */
export function describeScene(scene: Scene): string {
  const { seed, images, format, jobs, retries, cache, output, tokens, storage, strike } = scene
  return [
    `seed ${seed}:`,
    images.join(' '),
    `${format}, -j ${jobs}, ${retries} retries, to ${output}`,
    cache && ', --cache',
    tokens && `, tokens for ${tokens.uses} requests`,
    storage && ', storage',
    strike && `, ${strike.signal} ${strike.delay} ms after request ${strike.request}`,
  ]
    .filter(Boolean)
    .join(' ')
    .replaceAll(' ,', ',')
}
