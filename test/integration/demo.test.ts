import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { dockerOf } from '../support/engines/dockerd.ts'
import { mustRun } from '../support/engines/run.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

describeWithEngines('npm run demo', (world) => {
  const archive = join(checkout, 'dray-demo.tar')

  afterAll(() => rm(archive, { force: true }))

  test('leaves an archive that dockerd loads and runs, by the commands that it prints', async () => {
    const docker = dockerOf(world.dockerDirectory)
    await mustRun('npm', ['run', 'demo'], { cwd: checkout })
    await docker.empty()
    expect(await docker('load', '--quiet', '--input', archive)).toBe('Loaded image: dray/hello:1')
    expect(await docker('run', '--rm', '--network=none', 'dray/hello:1')).toContain('Hello')
  }, 60_000)
})
