import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk of its own, with room for a few megabytes. */
export interface SmallDisk {
  readonly path: string
  /** Takes all the room that is left. */
  fill(): void
  /** Gives it back. */
  clear(): void
  remove(): void
}

/** Throws where this user may not mount anything. */
export function mountSmallDisk(megabytes = 4): SmallDisk {
  const mountPoint = mkdtempSync(join(tmpdir(), 'dray-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', mountPoint], { stdio: 'pipe' })
  } catch (error) {
    rmSync(mountPoint, { recursive: true })
    throw error
  }
  const path = join(mountPoint, 'files')
  const ballast = join(mountPoint, 'ballast')
  mkdirSync(path)
  return {
    path,
    fill() {
      const file = openSync(ballast, 'w')
      try {
        for (;;) writeSync(file, Buffer.alloc(4096))
      } catch {
        closeSync(file)
      }
    },
    clear: () => rmSync(ballast, { force: true }),
    remove() {
      execFileSync('umount', ['-l', mountPoint])
      rmSync(mountPoint, { recursive: true })
    },
  }
}

/** Root on Linux may, as a rule; a container may forbid it. */
export function canMount(): boolean {
  if (process.platform !== 'linux') return false
  try {
    mountSmallDisk().remove()
    return true
  } catch {
    return false
  }
}
