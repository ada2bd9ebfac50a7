import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { launcher } from '../support/engines/dray.ts'
import { openKillTrial } from '../support/engines/kill-trial.ts'

describeWithEngines('a pull by a slow link that is killed eight times', ({ directory, host }) => {
  test.for([
    { format: 'docker', cache: true },
    { format: 'oci', cache: false },
  ] as const)(
    'ends with the archive of an undisturbed one, and few bytes are sent twice: $format, cache: $cache',
    async (way, { onTestFinished, annotate }) => {
      const trial = await openKillTrial({
        ...{ launcher, host, seed: 20_240_506, kills: 8, bytes: 50_000_000, bytesPerSecond: 15_000_000 },
        directory: await mkdtemp(join(directory, 'kills-')),
      })
      onTestFinished(trial.stop)
      const { problems, sent } = await trial.run(way)
      await annotate(`${sent.toFixed(3)} × the image's bytes were sent`)
      expect(problems).toEqual([])
    },
  )
})
