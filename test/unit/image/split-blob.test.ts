import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { createIdleSlots } from '../../../src/image/idle-slots.ts'
import { splitBlob } from '../../../src/image/split-blob.ts'
import type { Repository } from '../../../src/registry/repository.ts'
import { type SlowNetwork, slowRepository } from '../../support/slow-repository.ts'

const blob = randomBytes(24 * 1024 * 1024)
const slow = 2_000_000

/** Fetches the blob while so many slots are idle. */
function setUp(network: SlowNetwork, { idle = 3 } = {}) {
  const link = slowRepository(blob, network)
  const slots = createIdleSlots()
  for (let i = 0; i < idle; i++) slots.give()
  const unfit = new Set<Repository>()
  const source = splitBlob(link, { jobs: idle + 1, slots, unfit, now: link.now })
  const stop = new AbortController()
  const fetch = async (from = 0) => {
    const start = link.now()
    const read = source(from, stop.signal).then((body: Readable) => buffer(body))
    const bytes = await link.run(read)
    return { isRight: bytes.equals(blob.subarray(from)), seconds: (link.now() - start) / 1000 }
  }
  return { ...link, slots, unfit, fetch, source, stop }
}

describe('a blob', () => {
  test('comes by all connections there may be where each is slow: in the time of one, a quarter and a bit', async () => {
    const { fetch, seen, slots } = setUp({ perConnection: slow })
    const { isRight, seconds } = await fetch()

    expect(isRight).toBe(true)
    expect(seconds).toBeLessThan((blob.length / slow) * 0.4)
    expect(seen.atOnce).toBe(4)
    expect(slots.count).toBe(3)
  })

  test('goes on from the middle in the same way', async () => {
    const from = 5_000_001
    const { fetch, seen } = setUp({ perConnection: slow })
    expect(await fetch(from)).toMatchObject({ isRight: true })
    expect(seen.plain).toEqual([from])
    expect(seen.pieces.length).toBeGreaterThan(3)
  })

  test.each<[string, SlowNetwork, number]>([
    ['where connections share what there is', { shared: slow }, 2],
    ['where connections share, and answers take long', { shared: slow, latency: 300 }, 2],
    ['where one connection is fast', { perConnection: 200_000_000 }, 0],
    ['where it would soon be there anyway', { perConnection: 20_000_000 }, 0],
  ])('comes by one connection %s, which costs two requests at most', async (_, network, pieces) => {
    const { fetch, seen, slots, unfit } = setUp(network)
    const { isRight, seconds } = await fetch()
    const alone = slowRepository(blob, network)
    await alone.run(
      buffer(await alone.run(alone.repository.fetchBlob(alone.descriptor, 0, new AbortController().signal))),
    )

    expect(isRight).toBe(true)
    expect(seen.plain).toEqual([0])
    expect(seen.pieces).toHaveLength(pieces)
    expect(unfit.size).toBe(Math.min(1, pieces))
    expect(seconds * 1000).toBeLessThanOrEqual(alone.now() * 1.02 + 20)
    expect(slots.count).toBe(3)
  })

  test('comes by one connection when there is no slot for another', async () => {
    const { fetch, seen } = setUp({ perConnection: slow }, { idle: 0 })
    expect(await fetch()).toMatchObject({ isRight: true })
    expect(seen).toMatchObject({ plain: [0], pieces: [], atOnce: 1 })
  })

  test('gets the slots that become idle on the way', async () => {
    const { slots, fetch, seen } = setUp({ perConnection: slow }, { idle: 0 })
    const fetched = fetch()
    slots.give()
    slots.give()
    expect(await fetched).toMatchObject({ isRight: true })
    expect(seen.atOnce).toBe(3)
  })

  test('is not split from a repository that gained nothing by it before', async () => {
    const { fetch, unfit, repository, seen } = setUp({ shared: slow })
    await fetch()
    expect([...unfit]).toEqual([repository])
    await fetch()
    expect(seen.pieces).toHaveLength(2)
  })

  test('that was split and is asked for again, for its bytes were wrong, is not split', async () => {
    const { fetch, seen } = setUp({ perConnection: slow })
    await fetch()
    const before = seen.pieces.length
    expect(await fetch()).toMatchObject({ isRight: true })
    expect(seen.pieces).toHaveLength(before)
  })

  test.each([
    ['refused', 0, 1],
    ['refused', 5, 10],
    ['failed', 0, 200],
    ['failed', 5, 200],
    ['cut', 0, 200],
    ['cut', 7, 200],
    ['too long', 0, 200],
    ['too long', 6, 200],
  ] as const)('is right when a piece is %s, be it the one of number %i', async (kind, which, most) => {
    const { fetch, seen, slots } = setUp({
      perConnection: slow,
      fate: (piece) => (piece === which ? kind : 'whole'),
    })
    expect(await fetch()).toMatchObject({ isRight: true })
    expect(seen.pieces.length).toBeLessThanOrEqual(most)
    expect(seen.atOnce).toBeLessThanOrEqual(4)
    expect(slots.count).toBe(3)
  })

  test('goes on with one connection when pieces keep breaking off', async () => {
    const { fetch, seen } = setUp({ perConnection: slow, fate: () => 'cut' })
    expect(await fetch()).toMatchObject({ isRight: true })
    expect(seen).toMatchObject({ plain: [0], atOnce: 2 })
    expect(seen.pieces).toHaveLength(2)
  })

  test('is right whatever happens to its pieces', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = randomOf(seed)
      const fates = ['refused', 'failed', 'cut', 'too long'] as const
      const trouble = random() * 0.3
      const idle = Math.floor(random() * 4)
      const network = {
        perConnection: 1_000_000 + random() * 4_000_000,
        shared: 2_000_000 + random() * 20_000_000,
        latency: random() * 200,
        fate: () => (random() < trouble ? (fates[Math.floor(random() * 4)] ?? 'cut') : 'whole'),
      }
      const { fetch, seen, slots, inUse } = setUp(network, { idle })
      expect({ seed, ...(await fetch(Math.floor(random() * 8_000_000))) }).toMatchObject({
        seed,
        isRight: true,
      })
      expect(seen.atOnce).toBeLessThanOrEqual(idle + 1)
      expect([slots.count, inUse()]).toEqual([idle, 0])
    }
  })

  test('that nobody wants any more leaves no connection behind', async () => {
    const { run, source, stop, inUse, seen, slots } = setUp({ perConnection: slow })
    const body = await run(source(0, stop.signal))
    const read = buffer(body)
    body.on('data', () => {
      if (seen.pieces.length > 6) stop.abort(new Error('enough'))
    })
    await expect(run(read)).rejects.toThrow('enough')
    expect(inUse()).toBe(0)
    await expect.poll(() => slots.count).toBe(3)
  })
})

/** Numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
