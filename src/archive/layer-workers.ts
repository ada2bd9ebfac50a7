import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isDrayError } from '../errors.ts'
import type { Arrival } from '../store/arrival.ts'
import type { LayerJob } from './layer-job.ts'
import { breakRelay, createRelay } from './layer-relay.ts'
import type { LayerPlace } from './layer-sink.ts'
import { startThread, type Thread } from './layer-thread.ts'

/** Threads that write layers, made when the first layer comes. */
export interface LayerWorkers {
  /**
   * Has a thread that is free, or will be, run what `prepare` makes ready for it; resolves to the size of the content.
   * Throws INTEGRITY when the content is wrong or its blob was taken back, FILE, and the reason of `signal`, once the
   * thread does no more to the files.
   */
  run(prepare: () => Promise<PreparedJob>, options: RunOptions): Promise<number>
  /** Ends the threads, whatever they are at. */
  close(): Promise<void>
}

export interface RunOptions {
  /** Whether another thread is to hash and write what one inflates: for the one layer that outweighs all others. */
  readonly isDominant?: boolean
  /** Whether its blob arrives so slowly that the thread may have other layers to write, too. */
  readonly mayShare?: boolean
  readonly signal: AbortSignal
}

export interface PreparedJob {
  readonly job: LayerJob
  readonly place: LayerPlace
  readonly arrival: Arrival
  /** Told now and then how much has been written since, in bytes. */
  readonly onWritten?: ((size: number) => void) | undefined
  /** Called when the job has ended. */
  readonly release: () => Promise<void>
}

/** More threads than a network can feed would cost memory only. */
const mostThreads = 4
/** For each thread, of layers that arrive slowly. */
const fullLoad = 4

/** Undefined where there are no threads to be had: not where dray runs from its sources, nor where Node forbids them. */
export function createLayerWorkers(
  file = new URL('./layer-worker.cjs', import.meta.url),
): LayerWorkers | undefined {
  if (!existsSync(file)) return undefined
  const count = Math.min(availableParallelism(), mostThreads)
  const members: Member[] = []
  const waiting: { readonly load: number; readonly resolve: (member: Member) => void }[] = []

  const acquire = async ({ most, load }: Share): Promise<Member> => {
    const [least] = [...members].sort((one, other) => one.load - other.load)
    const member = least?.load !== 0 && members.length < count ? start() : least
    if (!member || member.load > most - load) return new Promise((resolve) => waiting.push({ load, resolve }))
    member.load += load
    return member
  }
  const start = (): Member => {
    const member = { thread: startThread(file), load: 0 }
    members.push(member)
    return member
  }
  const release = (member: Member, load: number): void => {
    member.load -= load
    const next = member.load === 0 ? waiting.shift() : undefined
    if (!next) return
    member.load += next.load
    next.resolve(member)
  }
  const using = async <T>(share: Share, act: (member: Member) => Promise<T>): Promise<T> => {
    const member = await acquire(share)
    return act(member).finally(() => release(member, share.load))
  }
  return {
    run(prepare, { isDominant = false, mayShare = false, signal }) {
      const write = async (first: Member, second?: Member) => {
        signal.throwIfAborted()
        const prepared = await prepare()
        if (!second) return runInOne(first.thread, prepared, signal).finally(prepared.release)
        return runInTwo(first.thread, second.thread, prepared, signal).finally(prepared.release)
      }
      if (mayShare) return using({ most: fullLoad, load: 1 }, write)
      if (!isDominant || count === 1) return using({ most: 1, load: 1 }, write)
      // There is one such layer at most, so that no two of them have one thread each and wait for another.
      const inTwo = (first: Member) =>
        using({ most: fullLoad, load: fullLoad }, (second) => write(first, second))
      return using({ most: 1, load: 1 }, inTwo)
    },
    async close() {
      await Promise.all(members.map(({ thread }) => thread.close()))
    },
  }
}

/** A thread, and how many layers it is at; one that waits for another thread has no time for any more. */
interface Member {
  readonly thread: Thread
  load: number
}

/** What a layer adds to the load of a thread, which it may bring to so much. */
interface Share {
  readonly most: number
  readonly load: number
}

function runInOne(
  thread: Thread,
  { job, place, arrival, onWritten }: PreparedJob,
  signal: AbortSignal,
): Promise<number> {
  return thread.run({ job, target: place }, { arrival, onWritten, signal })
}

/** One inflates, the other one hashes and writes. */
async function runInTwo(
  first: Thread,
  second: Thread,
  { job, place, arrival, onWritten }: PreparedJob,
  signal: AbortSignal,
): Promise<number> {
  const relay = createRelay()
  const halves = [
    first.run({ job, target: relay }, { arrival, signal }),
    second.run({ source: relay, target: place }, { onWritten, signal }),
  ]
  // Whoever ends, the other must not wait for it.
  const outcomes = await Promise.allSettled(halves.map((half) => half.finally(() => breakRelay(relay))))
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (errors.length > 0) throw errors.find((error) => !isDrayError(error, 'ABORTED')) ?? errors[0]
  return halves[0] ?? 0
}
