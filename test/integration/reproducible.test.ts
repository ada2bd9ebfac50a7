import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { mustPull } from '../support/engines/dray.ts'
import { hashFile } from '../support/engines/hash-file.ts'

describeWithEngines('the same digest gives the same archive, byte for byte', (world) => {
  const archive = join(world.directory, 'again.tar')
  const formats = ['docker', 'oci']

  describe.each(formats)('in %s format', (format) => {
    test.each(['manyLayers', 'zstd', 'nameless'] as const)(
      '%s: however many blobs are in flight',
      async (key) => {
        const hashes = []
        for (const jobs of ['4', '4', '1']) {
          await mustPull([world.references[key], '--format', format, '-j', jobs, '-o', archive])
          hashes.push(await hashFile(archive))
          await rm(archive)
        }
        expect(new Set(hashes).size).toBe(1)
      },
    )
  })
})
