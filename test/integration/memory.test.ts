import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { launcher } from '../support/engines/dray.ts'
import { measure, mostMemory } from '../support/engines/measure.ts'

describeWithEngines('a layer of 1.1 GB', (world) => {
  const archive = join(world.directory, 'heavy.tar')

  afterEach(() => rm(archive, { force: true }))

  test.for(['docker', 'oci'])(
    `goes through less than ${mostMemory / 1e6} MB of memory, in %s format`,
    async (format, { annotate }) => {
      const args = [launcher, world.references.heavy, '--format', format, '-o', archive]
      const { exitCode, peakMemory } = await measure(process.execPath, args)
      await annotate(`${Math.round(peakMemory / 1e6)} MB at most`)
      expect(exitCode).toBe(0)
      expect(peakMemory).toBeGreaterThan(10_000_000)
      expect(peakMemory).toBeLessThan(mostMemory)
    },
  )
})
