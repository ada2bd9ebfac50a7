import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { dockerOf } from '../support/engines/dockerd.ts'
import { mustPull } from '../support/engines/dray.ts'
import {
  hostPlatform,
  type ImageName,
  images,
  nameInArchive,
  platformReference,
  type TestImage,
} from '../support/engines/images.ts'
import { loadIntoPodman } from '../support/engines/podman.ts'
import { imageIdBySkopeo, manifestDigestBySkopeo } from '../support/engines/skopeo.ts'

describeWithEngines('what is pulled is the image that the registry has', (world) => {
  const docker = dockerOf(world.dockerDirectory)
  const keys = Object.keys(images) as ImageName[]
  const cases = keys.flatMap((key) => [
    [images[key].what, 'docker', key] as const,
    [images[key].what, 'oci', key] as const,
  ])

  describe.each(cases)('%s, as an archive in %s format', (_, format, key) => {
    const image: TestImage = images[key]
    const reference = world.references[key]
    const archive = join(world.directory, `${key}.${format}.tar`)
    const name = nameInArchive(world.host, image)
    let id: string

    beforeAll(async () => {
      id = await imageIdBySkopeo(`docker://${reference}`)
      await mustPull([reference, '--format', format, '-o', archive])
    })

    afterAll(() => rm(archive, { force: true }))

    const loadsAndRuns = async () => {
      await docker.empty()
      const said = await docker('load', '--quiet', '--input', archive)
      expect(said).toBe(name === undefined ? `Loaded image ID: ${id}` : `Loaded image: ${name}`)
      expect(await docker.imageIds()).toEqual([id])
      expect(await docker('run', '--rm', '--network=none', id)).toBe(image.says)
    }

    const isRefused = async () => {
      await docker.empty()
      await expect(docker('load', '--input', archive)).rejects.toThrow(/invalid tar header/)
    }

    if (image.zstd && format === 'oci') {
      test('dockerd before 23 takes a zstd layer for a broken tar; the docker format is for it', isRefused)
    } else {
      test('dockerd loads it under its id and its name, and runs it', loadsAndRuns)
    }

    test('podman loads it under its id and its name', async () => {
      const { ids, output } = await loadIntoPodman(archive, world.directory)
      expect(ids).toEqual([id])
      expect(output).toContain(name ?? id)
    })

    test('skopeo finds the image in it', async () => {
      expect(await imageIdBySkopeo(`${format}-archive:${archive}`)).toBe(id)
    })

    const hasManifestOfRegistry = async () => {
      const served = key === 'multiPlatform' ? platformReference(world.host, hostPlatform) : reference
      expect(await manifestDigestBySkopeo(`oci-archive:${archive}`)).toBe(
        await manifestDigestBySkopeo(`docker://${served}`),
      )
    }

    if (format === 'oci') test('skopeo finds the manifest as the registry serves it', hasManifestOfRegistry)
  })
})
