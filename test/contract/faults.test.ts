import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, vi } from 'vitest'
import { faultRows } from '../support/faults/all-faults.ts'
import { meetFault } from '../support/faults/meet-fault.ts'

// Most of the time they wait: for the next try, or for what may still come.
vi.setConfig({ maxConcurrency: 10 })

describe.concurrent('whatever goes wrong, the archive is whole or the old one, and no one is asked in vain:', () => {
  for (const row of faultRows) {
    test(row.fault, { timeout: 90_000 }, async ({ expect, onTestFinished }) => {
      const directory = mkdtempSync(join(tmpdir(), 'dray-fault-'))
      onTestFinished(() => rmSync(directory, { recursive: true, force: true }))

      const { stderr, ...all } = await meetFault(row, directory)

      const { stdout: _, ...outcome } = all
      expect(outcome).toEqual({
        exitCode: row.exitCode,
        archive: row.archive ?? (row.exitCode === 0 ? 'new' : 'old'),
        files: row.keeps ?? [],
        asked: row.asks instanceof RegExp ? expect.stringMatching(row.asks) : row.asks,
        askedLater: 0,
        leaks: [],
      })
      expect(stderr).toMatch(row.says ?? /^/)
    })
  }
})
