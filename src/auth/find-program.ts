import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { posix, win32 } from 'node:path'

export interface ProgramPlaces {
  /** The value of PATH. */
  readonly path: string
  /** `process.platform`. */
  readonly platform: string
}

/**
 * The file that a program's name stands for on PATH, as an absolute path; on Windows `.exe` files only, which need no
 * shell. Entries of PATH that are relative or empty mean the working directory, which may be anybody's: they are passed
 * over. Undefined when there is none.
 */
export async function findProgram(
  name: string,
  { path, platform }: ProgramPlaces,
): Promise<string | undefined> {
  for (const file of candidates(name, { path, platform })) if (await isExecutable(file)) return file
  return undefined
}

/** Where to look, in this order. */
export function candidates(name: string, { path, platform }: ProgramPlaces): readonly string[] {
  if (platform !== 'win32') {
    return path
      .split(posix.delimiter)
      .filter(posix.isAbsolute)
      .map((directory) => posix.join(directory, name))
  }
  const fileName = /\.exe$/i.test(name) ? name : `${name}.exe`
  return path
    .split(win32.delimiter)
    .map(withoutQuotes)
    .filter(isWholeWindowsPath)
    .map((directory) => win32.join(directory, fileName))
}

function withoutQuotes(directory: string): string {
  return directory.replace(/^"(.*)"$/, '$1')
}

/** With a drive, or on the network: `\tools` would be on whichever drive we are. */
function isWholeWindowsPath(directory: string): boolean {
  return /^([a-z]:[\\/]|[\\/]{2})/i.test(directory)
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
