import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { dockerOf } from '../support/engines/dockerd.ts'
import { mustPull } from '../support/engines/dray.ts'
import { type ImageName, images, nameInArchive } from '../support/engines/images.ts'
import { hashTarEntries, listTar } from '../support/engines/tar.ts'

// Docker writes `nginx:1` where dray writes `docker.io/library/nginx:1`. A name that begins with a host is the same in
// both forms, so here the comparison needs no exceptions.
describeWithEngines('the docker format is what `docker pull` and `docker save` 20.10 write', (world) => {
  const docker = dockerOf(world.dockerDirectory)
  const saved = join(world.directory, 'saved.tar')
  const pulled = join(world.directory, 'pulled.tar')
  // dockerd before 23 cannot pull a zstd layer.
  const keys = (Object.keys(images) as ImageName[]).filter((key) => !images[key].zstd)

  describe.each(keys.map((key) => [images[key].what, key] as const))('%s', (_, key) => {
    let id: string

    beforeAll(async () => {
      const reference = world.references[key]
      await docker.empty()
      await docker('pull', '--quiet', reference)
      id = (await docker.imageIds()).join()
      await docker('save', '--output', saved, nameInArchive(world.host, images[key]) ?? id)
      await mustPull([reference, '-o', pulled])
    })

    afterAll(() => Promise.all([saved, pulled].map((path) => rm(path, { force: true }))))

    test('the entries have the same names', async () => {
      const names = await listTar(pulled)
      expect(names.toSorted()).toEqual((await listTar(saved)).toSorted())
      expect(await listTar(pulled, 'bsdtar')).toEqual(names)
    })

    test('every file has the same bytes', async () => {
      const [expected, actual] = await Promise.all([saved, pulled].map(hashTarEntries))
      const config = id.replace('sha256:', '')
      expect(expected).toHaveProperty([`${config}.json`], config)
      expect(actual).toEqual(expected)
    })
  })
})
