import { lstat, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { readSmallFile } from '../streams/read-small-file.ts'
import { checksumLine, checksumPath, hashFile } from './checksum-file.ts'

/**
 * Looks for a FILE.sha256 beside an archive that is about to be replaced, and resolves to what is to be called after that.
 * Where the checksum was right about the archive before and no longer is, that removes it, for it would call a whole archive
 * broken. One that was not right before may be what somebody expects, and stays, as does any that is not one line about the
 * archive. Either is worth a warning. Never rejects.
 */
export async function watchChecksum(
  path: string,
  signal: AbortSignal,
): Promise<(onWarning: (message: string) => void) => Promise<void>> {
  const expected = await readChecksum(path).catch(() => undefined)
  if (expected === undefined) return async () => {}
  const isRight = () => hashFile(path, signal).then((actual) => actual === expected)
  const wasRight = await isRight().catch(() => false)
  return async (onWarning) => {
    // Nothing is known about what cannot be read, and whoever interrupts does not want to wait.
    if (await isRight().catch(() => true)) return
    onWarning(
      wasRight ? await remove(path) : `${checksumPath(path)} gives another sha256 than the archive has`,
    )
  }
}

/** What FILE.sha256 says, in hex; undefined when it is no file, or not one line about FILE. */
async function readChecksum(path: string): Promise<string | undefined> {
  const archive = await stat(path).catch(() => undefined)
  const isPlain = (await lstat(checksumPath(path))).isFile()
  if (path === '-' || archive?.isFile() === false || !isPlain) return undefined
  const text = await readSmallFile(checksumPath(path))
  const hex = /[0-9a-f]{64}/.exec(text)?.[0]
  return hex !== undefined && text === checksumLine(hex, basename(path)) ? hex : undefined
}

/** Resolves to what there is to say. */
async function remove(path: string): Promise<string> {
  const file = checksumPath(path)
  try {
    await rm(file)
    return `removed ${file}, which was about the archive that this one replaced; --checksum writes a new one`
  } catch {
    return `${file} is about the archive that this one replaced, and cannot be removed`
  }
}
