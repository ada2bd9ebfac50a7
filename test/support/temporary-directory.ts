import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

/** A directory of the running test's own, gone when it ends. Of tests that run at once, each has to hand in its own `atEnd`. */
export function temporaryDirectory(atEnd: (act: () => void) => void = onTestFinished): string {
  const directory = mkdtempSync(join(tmpdir(), 'dray-test-'))
  atEnd(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const atTheEnd: (() => void)[] = []

afterAll(() => {
  for (const act of atTheEnd) act()
})

/** A directory that stays until all tests of the file have ended: for small things of tests that run at once. */
export const longLivedDirectory = (): string => temporaryDirectory((act) => void atTheEnd.push(act))
