import { rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemErrorCode } from '../errors.ts'

/** Milliseconds before each further try. */
const waits = [10, 20, 50, 100, 200, 400, 800]

/**
 * Renames a file, over another one if there is one. Windows refuses that as long as someone has the other one open, a
 * virus scanner for a moment: it is tried for a while. Throws what the system says.
 */
export async function moveFile(from: string, to: string): Promise<void> {
  for (const wait of waits) {
    try {
      return await rename(from, to)
    } catch (error) {
      if (!isBusy(error)) throw error
      await sleep(wait)
    }
  }
  await rename(from, to)
}

/** True when someone else's use of a file may be all that is in the way. */
export function isBusy(error: unknown): boolean {
  return ['EPERM', 'EACCES', 'EBUSY'].includes(systemErrorCode(error) ?? '')
}
