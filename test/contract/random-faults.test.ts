import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { launcher } from '../support/engines/dray.ts'
import { playScene } from '../support/random-faults/play-scene.ts'
import { describeScene, drawScene } from '../support/random-faults/scene.ts'
import { imageNames, makeWares } from '../support/random-faults/wares.ts'
import { createChance } from '../support/soak/chance.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const content = makeWares()
const chance = createChance(20_240_506)
const scenes = Array.from({ length: 12 }, () => drawScene(chance.between(0, 2 ** 31 - 1), imageNames))

describe.concurrent('whatever faults a pull meets, its archive is right or it says why there is none:', () => {
  test.for(scenes.map((scene) => [describeScene(scene), scene] as const))(
    '%s',
    { timeout: 150_000 },
    async ([, scene], { onTestFinished }) => {
      const directory = join(temporaryDirectory(onTestFinished), 'scene')
      mkdirSync(directory)
      const { problems, met } = await playScene(scene, { launcher, directory, content })
      expect(problems, met.join('\n')).toEqual([])
    },
  )
})
