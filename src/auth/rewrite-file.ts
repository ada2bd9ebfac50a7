import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, mkdir, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DrayError, systemErrorCode } from '../errors.ts'
import { readSmallFile } from '../streams/read-small-file.ts'

/**
 * Replaces the text of a file by what `edit` makes of it (undefined: there was no file). Whoever reads the file sees the
 * old text or the new one, whole; of several who rewrite it at once, each edits what the one before left. A symbolic link
 * is kept, and what it points to rewritten. Mode and owner stay; a new file is for its owner only, and so is its
 * directory. Throws FILE, and what `edit` throws; then nothing has changed.
 */
export async function rewriteFile(file: string, edit: (text: string | undefined) => string): Promise<void> {
  try {
    const target = await resolveTarget(file)
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    const unlock = await lock(`${target}.lock`)
    try {
      const before = await readOld(target)
      await replace(target, edit(before?.text), before?.stats)
    } finally {
      await unlock()
    }
  } catch (error) {
    if (error instanceof DrayError) throw error
    throw new DrayError('FILE', `cannot write ${file} (${systemErrorCode(error) ?? String(error)})`, {
      hint: 'name another file with --authfile',
      cause: error,
    })
  }
}

/** A link may point to a file that is not there yet. */
async function resolveTarget(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
    const link = await readlink(file).catch(() => undefined)
    return link === undefined ? file : resolveTarget(resolve(dirname(file), link))
  }
}

/** In milliseconds. An edit takes a moment: whoever left a lock behind for so long has died. */
const longestEdit = 10_000
const timeBetweenLooks = 20

async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      const handle = await open(path, 'wx', 0o600)
      // Nothing was written to it that could be lost; one that stays is taken for left behind later.
      await handle.close().catch(() => {})
      return () => rm(path, { force: true }).catch(() => {})
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
    if (await isLeftBehind(path)) await rm(path, { force: true })
    else await sleep(timeBetweenLooks)
  }
}

/** Clocks differ over networks: a lock from the future is no better than an old one. */
async function isLeftBehind(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined)
  return stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) > longestEdit
}

async function readOld(target: string): Promise<{ text: string; stats: Stats } | undefined> {
  try {
    return { text: await readSmallFile(target), stats: await stat(target) }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function replace(target: string, text: string, old: Stats | undefined): Promise<void> {
  const name = `.${basename(target).slice(0, 64)}.${randomBytes(6).toString('hex')}`
  const temporary = join(dirname(target), name)
  try {
    await writeNew(temporary, text, old)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function writeNew(path: string, text: string, old: Stats | undefined): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    if (old) {
      // Under sudo, the file stays its owner's; where that is not allowed, it becomes ours, as docker has it.
      await handle.chown(old.uid, old.gid).catch(() => {})
      await handle.chmod(old.mode & 0o777)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}
