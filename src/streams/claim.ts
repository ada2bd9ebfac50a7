import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { lstat, lutimes, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { geteuid, kill, pid } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemErrorCode } from '../errors.ts'

/**
 * A name that no one else uses: `<stem>.<machine>-<pid>-<random>.partial`. While it is held, the time of the file of that
 * name is renewed, so that others can tell a process that works from one that was killed, on whatever machine it was.
 */
export interface Claim {
  readonly path: string
  /** Ends the renewing, not the file. */
  end(): void
}

/** In milliseconds. */
const beat = 1000
const timeBetweenLooks = 100
/** A sign of life older than this is none: where the process cannot be asked for, and where there is one of its number. */
const patience = { unknown: 10_000, known: 600_000 }

const held = new Set<string>()
let heart: NodeJS.Timeout | undefined

/** Makes up the name; making the file is left to the caller. */
export function createClaim(stem: string): Claim {
  const path = `${stem}.${machine()}-${pid}-${randomBytes(4).toString('hex')}.partial`
  held.add(path)
  heart ??= setInterval(renewAll, beat).unref()
  return {
    path,
    end() {
      held.delete(path)
      if (held.size > 0) return
      clearInterval(heart)
      heart = undefined
    },
  }
}

function renewAll(): void {
  const now = new Date()
  // There may be no file yet, or no longer.
  for (const path of held) lutimes(path, now, now).catch(() => {})
}

const claimed = /\.([0-9a-f]{8})-([1-9]\d{0,9})-[0-9a-f]{8}\.partial$/

/** The paths that were claimed with this stem, by whomever. Rejects when the directory cannot be read. */
export async function findClaims(stem: string): Promise<readonly string[]> {
  const directory = dirname(stem)
  const names = await readdir(directory).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return []
    throw error
  })
  return names.filter((name) => isClaimOn(basename(stem), name)).map((name) => join(directory, name))
}

/** True when the name was claimed with this stem. */
export function isClaimOn(stem: string, name: string): boolean {
  return name.startsWith(stem) && claimed.exec(name)?.index === stem.length
}

/**
 * False when whoever claimed the path has died. Where that can only be seen from a lack of signs of life, it takes up to
 * ten seconds; a signal that ends the wait, or a file that cannot be looked at, makes it true, for nothing is known then.
 */
export async function isAlive(path: string, signal: AbortSignal): Promise<boolean> {
  return held.has(path) || showsLife(path, signal).catch(() => true)
}

/** Rejects when that cannot be found out. */
async function showsLife(path: string, signal: AbortSignal): Promise<boolean> {
  const [match, where, number] = claimed.exec(path) ?? []
  if (match === undefined) return false
  const seen = await lastSign(path)
  if (seen === undefined) return false
  if (where !== machine() || Number(number) === pid) return stirs(path, seen, signal)
  return processExists(Number(number)) && isRecent(seen, patience.known)
}

/**
 * Removes what was claimed with this stem by processes that have died: files or directories, of this user's. Resolves
 * when no more can be done, or soon after `signal`; never rejects.
 */
export async function sweepClaims(
  stem: string,
  kind: 'file' | 'directory',
  signal: AbortSignal,
): Promise<void> {
  const sweep = async (path: string) => {
    if (await isAlive(path, signal)) return
    const stats = await lstat(path)
    const isOurs = !geteuid || stats.uid === geteuid()
    const isOfKind = kind === 'file' ? stats.isFile() : stats.isDirectory()
    if (isOurs && isOfKind) await rm(path, { recursive: kind === 'directory', force: true })
  }
  const paths = await findClaims(stem).catch(() => [])
  await Promise.all(paths.map((path) => sweep(path).catch(() => {})))
}

async function lastSign(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).mtimeMs
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Clocks differ over networks: a sign from the future is no better than an old one. */
function isRecent(time: number, limit: number): boolean {
  return Math.abs(Date.now() - time) <= limit
}

/** Watches for the next sign of life. */
async function stirs(path: string, seen: number, signal: AbortSignal): Promise<boolean> {
  while (isRecent(seen, patience.unknown)) {
    await sleep(timeBetweenLooks, undefined, { signal })
    const now = await lastSign(path)
    if (now !== seen) return now !== undefined
  }
  return false
}

function processExists(number: number): boolean {
  try {
    return kill(number, 0)
  } catch (error) {
    return systemErrorCode(error) !== 'ESRCH'
  }
}

let machineName: string | undefined

/** What the numbers of processes mean something on: this machine since it was started, or this container. */
function machine(): string {
  machineName ??= createHash('sha256').update(JSON.stringify(machineTraits())).digest('hex').slice(0, 8)
  return machineName
}

function machineTraits(): readonly string[] {
  return [
    hostname(),
    orNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    orNothing(() => readlinkSync('/proc/self/ns/pid')),
  ]
}

function orNothing(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
