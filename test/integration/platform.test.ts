import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { dray, mustPull } from '../support/engines/dray.ts'
import { platformReference, platforms } from '../support/engines/images.ts'
import { imageIdBySkopeo } from '../support/engines/skopeo.ts'

describeWithEngines('a multi-platform image', (world) => {
  const archive = join(world.directory, 'platform.tar')

  test.each(platforms)('gives its %s image to who asks for that', async (platform) => {
    await mustPull([world.references.multiPlatform, '--platform', platform, '-o', archive])
    const expected = await imageIdBySkopeo(`docker://${platformReference(world.host, platform)}`)
    expect(await imageIdBySkopeo(`docker-archive:${archive}`)).toBe(expected)
  })

  test('lists what it has for who asks for another one: exit 3', async () => {
    const { exitCode, stderr } = await dray([
      world.references.multiPlatform,
      '--platform',
      'linux/s390x',
      '-o',
      archive,
    ])
    for (const platform of platforms) expect(stderr).toContain(platform)
    expect(stderr).not.toContain('unknown')
    expect(exitCode).toBe(3)
  })
})
