import { type Stats, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isDrayError, systemErrorCode } from '../errors.ts'
import { readSmallFile, type SmallFileOptions } from '../streams/read-small-file.ts'

/** The text of a file; undefined when it is not there, and, after a warning, when it is there but cannot be read. */
export async function readConfigFile(
  file: string,
  onWarning: (message: string) => void,
  options?: SmallFileOptions,
): Promise<string | undefined> {
  try {
    return (await readSmallFile(file, options)).replace(/^\uFEFF/, '')
  } catch (error) {
    const problem = isDrayError(error) ? error.message : `cannot read ${file} (${systemErrorCode(error)})`
    if (exists(file)) onWarning(`${problem}; it is not followed`)
    return undefined
  }
}

/** The first of these files that is there, unless it cannot be read. */
export async function readFirstFile(
  files: readonly string[],
  onWarning: (message: string) => void,
): Promise<{ readonly file: string; readonly text: string } | undefined> {
  for (const file of files) {
    if (!exists(file)) continue
    const text = await readConfigFile(file, onWarning)
    return text === undefined ? undefined : { file, text }
  }
  return undefined
}

/** The files of a directory whose names end in `.conf`, in the order of their names; none when it is not there. */
export async function listConfFiles(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const names = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith('.conf'))
  return names.map(({ name }) => join(directory, name)).sort()
}

/** True when it can be seen; what lies in a directory that is closed to us counts as not there. */
export function exists(path: string): boolean {
  return statsOf(path) !== undefined
}

export function isDirectory(path: string): boolean {
  return statsOf(path)?.isDirectory() ?? false
}

/** True for a directory that this user may look into. */
export async function isListable(path: string): Promise<boolean> {
  return (await readdir(path).catch(() => undefined)) !== undefined
}

/** Most of two dozen places are empty: that is told at once in a hundredth of the time that it takes another thread. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
