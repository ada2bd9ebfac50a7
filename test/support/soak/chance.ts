import { createCipheriv, createHash } from 'node:crypto'

/** Chance that can be had again: the same seed gives the same, every time. */
export interface Chance {
  /** From 0 to below 1. */
  next(): number
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number
  happens(probability: number): boolean
  pick<T>(some: readonly [T, ...T[]]): T
}

/** By the generator that is known as mulberry32: 32 bits, and good enough to try things. */
export function createChance(seed: number): Chance {
  let state = seed | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    between,
    happens: (probability) => next() < probability,
    pick: <T>(some: readonly [T, ...T[]]): T => some[between(0, some.length - 1)] ?? some[0],
  }
}

/** A seed of its own for a part of what another seed began: it does not matter then what comes first. */
export function seedFor(seed: number, part: string): number {
  return createHash('sha256').update(`${seed} ${part}`).digest().readInt32LE()
}

/** Bytes that nothing can compress, the same for a seed every time. */
export function noiseFrom(seed: number, size: number): Buffer {
  const key = createHash('sha256').update(String(seed)).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}
