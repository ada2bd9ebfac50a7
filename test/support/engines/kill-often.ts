import { existsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Chance } from '../soak/chance.ts'
import { filesBelow } from '../soak/files.ts'
import { type Ended, runToEnd, startDray } from '../soak/start-dray.ts'
import type { MeteredLink } from './metered-link.ts'

export interface KillPlan {
  readonly launcher: string
  readonly home: string
  /** The command that is repeated. */
  readonly args: readonly string[]
  /** Where it keeps what has arrived. */
  readonly blobDirectory: string
  /** What it gets from the registry. */
  readonly link: Pick<MeteredLink, 'sent'>
  /** Of the image's layers, in bytes. */
  readonly size: number
  readonly kills: number
  readonly chance: Chance
}

export interface KilledPull {
  /** How often it was really killed. */
  readonly kills: number
  /** How the last run ended. */
  readonly last: Ended
  /** What the registry sent to all runs, in bytes. */
  readonly sent: number
}

/** So many of all kills meet a pull that has all bytes, and only has to write its archive. */
const shareOfTail = 0.1
/** A pull takes longer than this, in milliseconds, even when all bytes are there. */
const shortestRun = 250

/**
 * Repeats a pull and kills it, at moments of chance that are spread over all that it has to do; then lets it go on to
 * its end. Should it end before it can be killed, that was its end.
 */
export async function killOften(plan: KillPlan): Promise<KilledPull> {
  const before = plan.link.sent()
  const tail = Math.ceil(plan.kills * shareOfTail)
  let kills = 0
  while (kills < plan.kills) {
    const ended = await killOnce(plan, momentOf(plan, plan.kills - kills, tail))
    if (ended.exitCode !== null) return { kills, last: ended, sent: plan.link.sent() - before }
    kills += 1
  }
  const last = await runToEnd(plan.args, plan)
  return { kills, last, sent: plan.link.sent() - before }
}

interface Moment {
  /** After so many bytes of this run. */
  readonly bytes: number
  /** And then so many milliseconds. */
  readonly rest: number
}

/** The next one, when so many kills are left, and so many of them are for the time when all bytes are there. */
function momentOf({ chance, size, blobDirectory }: KillPlan, left: number, tail: number): Moment {
  const missing = size - arrived(blobDirectory)
  if (left <= tail) return { bytes: missing, rest: chance.next() * (missing > 0 ? 20 : shortestRun) }
  return { bytes: (chance.next() * 1.9 * missing) / (left - tail + 1), rest: chance.next() * 20 }
}

/** Without an exit code when it was killed, as it should be. */
async function killOnce(plan: KillPlan, { bytes, rest }: Moment): Promise<Ended> {
  const before = plan.link.sent()
  const { child, ended } = startDray(plan.args, plan)
  let hasEnded = false
  ended.then(() => (hasEnded = true))
  while (!hasEnded && plan.link.sent() - before < bytes) await wait(1)
  await wait(rest)
  child.kill('SIGKILL')
  return ended
}

/** How many bytes of blobs are kept; of a blob that is there several times, the most. */
function arrived(blobDirectory: string): number {
  const sizes = new Map<string, number>()
  for (const file of filesBelow(blobDirectory)) {
    const path = join(blobDirectory, file)
    const blob = basename(file).slice(0, 64)
    const size = existsSync(path) ? sizeOf(path) : 0
    sizes.set(blob, Math.max(size, sizes.get(blob) ?? 0))
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}

/** An archive that grows has room for what has not come. */
function sizeOf(path: string): number {
  const { size, blocks } = statSync(path)
  return Math.min(size, blocks * 512)
}
