import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FaultKind } from '../support/torture/fault.ts'
import { type Chamber, mainOf, openChamber, sizesForThreads } from '../support/torture/torture.ts'
import { type Variation, variations } from '../support/torture/variations.ts'

interface Ordeal {
  /** Of the variation. */
  readonly name: string
  readonly kind: FaultKind
  readonly every: number
  readonly lasts?: true
}

function variationOf(name: string): Variation {
  return variations.find((each) => each.name === name) ?? expect.fail(`there is no variation ${name}`)
}

// One chamber at a time: there is one file system.
describe('with small layers', () => {
  let chamber: Chamber

  beforeAll(async () => {
    chamber = await openChamber({ layerSizes: [1500] })
  })
  afterAll(() => chamber.close())

  /** What is tortured, with what, and which calls: each, every third; or all from that one on. */
  const ordeals: readonly Ordeal[] = [
    { name: 'pull, over an old archive, beside what a killed one left', kind: 'EIO', every: 1 },
    { name: 'pull, to stdout', kind: 'EIO', every: 2 },
    { name: 'pull, out of a cache', kind: 'EIO', every: 5 },
    { name: 'pull, into a cache', kind: 'EIO', every: 7 },
    { name: 'pull, going on with two partials', kind: 'EIO', every: 5 },
    { name: 'pull, with a partial that is spoilt', kind: 'EIO', every: 6 },
    { name: 'pull, beside another one of the same archive', kind: 'EIO', every: 4 },
    { name: 'pull, with a checksum', kind: 'EIO', every: 4 },
    { name: 'pull, with a stored login', kind: 'EIO', every: 9 },
    { name: 'verify, an archive with a checksum', kind: 'EIO', every: 1 },
    { name: 'verify, a compressed archive', kind: 'EIO', every: 1 },
    { name: 'verify, a damaged archive', kind: 'EIO', every: 1 },
    { name: 'login', kind: 'EIO', every: 1 },
    { name: 'login, with others in the file', kind: 'EIO', every: 1 },
    { name: 'logout', kind: 'EIO', every: 1 },
    { name: 'pull, oci format', kind: 'ENOSPC', every: 6, lasts: true },
    { name: 'pull, oci format, over what an earlier pull left', kind: 'EIO', every: 3 },
    { name: 'pull, to stdout, with a cache', kind: 'ENOSPC', every: 3, lasts: true },
    { name: 'pull, docker format', kind: 'EMFILE', every: 2, lasts: true },
    { name: 'pull, over an old archive, beside what a killed one left', kind: 'EACCES', every: 5 },
    { name: 'pull, docker format', kind: 'short write', every: 3 },
    { name: 'pull, oci format', kind: 'short write', every: 30, lasts: true },
    { name: 'pull, to stdout', kind: 'short write', every: 1 },
    { name: 'pull, going on with two partials', kind: 'short read', every: 1 },
    { name: 'pull, to stdout', kind: 'short read', every: 8, lasts: true },
    { name: 'pull, with a checksum', kind: 'short read', every: 1, lasts: true },
    { name: 'verify, an archive with a checksum', kind: 'short read', every: 1 },
    { name: 'verify, a damaged archive', kind: 'short read', every: 8, lasts: true },
    { name: 'login, with others in the file', kind: 'short read', every: 1 },
  ]

  test.each(ordeals)(
    '$name: whichever call meets $kind, nothing is wrong that looks right',
    {
      timeout: 180_000,
    },
    async ({ name, kind, every, lasts = false }) => {
      const { runs, failed, complaints } = await chamber.torture(variationOf(name), { kind, lasts }, every)

      expect(complaints).toEqual([])
      expect(runs).toBeGreaterThan(0)
      if (kind.startsWith('short')) expect(failed).toBe(0)
      else expect(failed).toBeGreaterThan(0)
    },
  )

  test('calls of a worker are counted and struck like those of the thread that started it', async () => {
    const { struck, error } = await chamber.inWorker('EIO', 2)

    expect(struck).toMatchObject({ operation: 'write', path: expect.stringContaining('of-a-worker') })
    expect(error).toMatch(/^EIO/)
  })
})

describe('with layers in threads', () => {
  let large: Chamber

  beforeAll(async () => {
    const launcher = fileURLToPath(new URL('../../bin/dray.js', import.meta.url))
    large = await openChamber({ layerSizes: sizesForThreads, main: await mainOf(launcher) })
  })
  afterAll(() => large.close())

  const ordeals: readonly Ordeal[] = [
    { name: 'pull, docker format', kind: 'EIO', every: 40 },
    { name: 'pull, out of a cache', kind: 'EIO', every: 25 },
    { name: 'pull, out of a cache that has gone bad', kind: 'ENOSPC', every: 90, lasts: true },
    { name: 'pull, going on with two partials', kind: 'short write', every: 50 },
    { name: 'pull, docker format', kind: 'short read', every: 6 },
  ]

  test.each(ordeals)(
    '$name: whichever call meets $kind, nothing is wrong that looks right',
    { timeout: 180_000 },
    async ({ name, kind, every, lasts = false }) => {
      const { runs, failed, inWorkers, complaints } = await large.torture(
        variationOf(name),
        { kind, lasts },
        every,
      )

      expect(complaints).toEqual([])
      expect(inWorkers).toBeGreaterThan(0)
      expect(failed > 0).toBe(!kind.startsWith('short'))
      expect(runs).toBeGreaterThan(inWorkers)
    },
  )
})
