import type { Fault } from './fault.ts'
import { type ChamberOptions, mainOf, type Ordeal, openChamber, sizesForThreads } from './torture.ts'
import { variations } from './variations.ts'

/**
 * All variations, with an image of one piece per layer, of several, and of so many that threads write it: those by the
 * package of this launcher. Takes a quarter of an hour on two processors of its own; tells about each.
 */
export async function tortureAll(launcher: string, report: (ordeal: Ordeal) => void): Promise<void> {
  const stages = [
    { what: 'small', options: { layerSizes: [1500] }, forms: short, names: /./ },
    { what: 'in pieces', options: { layerSizes: [3 * 1024 * 1024] }, forms: long, names: /./ },
    {
      what: 'in threads',
      options: { layerSizes: sizesForThreads, main: await mainOf(launcher) },
      forms: longest,
      names: forThreads,
    },
  ]
  for (const stage of stages) {
    await torture(stage, (ordeal) => report({ ...ordeal, name: `${stage.what}, ${ordeal.name}` }))
  }
}

interface Form extends Pick<Fault, 'kind' | 'lasts'> {
  /** 1 is each call, 2 every other. */
  readonly every: number
}

/** A call fails in many ways, but dray knows only that it failed: EIO for each call, samples of the others. */
const short: readonly Form[] = [
  ...(['EIO', 'short write', 'short read'] as const).map((kind) => ({ kind, lasts: false, every: 1 })),
  ...(['ENOSPC', 'EMFILE', 'EACCES'] as const).map((kind) => ({ kind, lasts: false, every: 3 })),
  ...(['ENOSPC', 'EMFILE', 'short write', 'short read'] as const).map((kind) => ({
    kind,
    lasts: true,
    every: 5,
  })),
]

/** Reads that all are short would be some hundred thousand. */
const long: readonly Form[] = short
  .filter(({ kind, lasts }) => !(kind === 'short read' && lasts))
  .map((form) => ({ ...form, every: form.every === 1 ? 1 : 4 * form.every }))

/** Here, most calls are one like another. */
const longest: readonly Form[] = long.map(({ kind, lasts, every }) => ({
  kind,
  lasts,
  every: kind === 'short read' ? 2 : 3 * Math.max(every, 2),
}))

/** Those that write an archive in another way than the others. */
const forThreads =
  /^pull, (docker format|oci format|going on with two partials|out of a cache|out of a cache that has gone bad)$/

interface Stage {
  readonly options: ChamberOptions
  readonly forms: readonly Form[]
  readonly names: RegExp
}

async function torture({ options, forms, names }: Stage, report: (ordeal: Ordeal) => void): Promise<void> {
  const chamber = await openChamber(options)
  try {
    for (const variation of variations.filter(({ name }) => names.test(name))) {
      for (const { kind, lasts, every } of forms) {
        report(await chamber.torture(variation, { kind, lasts }, every))
      }
    }
  } finally {
    await chamber.close()
  }
}
