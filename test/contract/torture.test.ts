import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FaultKind } from '../support/torture/fault.ts'
import { type Chamber, openChamber } from '../support/torture/torture.ts'
import { variations } from '../support/torture/variations.ts'

let chamber: Chamber

beforeAll(async () => {
  chamber = await openChamber({ layerSize: 1500 })
})
afterAll(() => chamber.close())

interface Ordeal {
  /** Of the variation. */
  readonly name: string
  readonly kind: FaultKind
  readonly every: number
  readonly lasts?: true
}

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
    const variation = variations.find((each) => each.name === name)
    if (!variation) throw new Error(`there is no variation ${name}`)

    const { runs, failed, complaints } = await chamber.torture(variation, { kind, lasts }, every)

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
