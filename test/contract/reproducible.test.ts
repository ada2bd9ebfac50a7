import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent, sha256 } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'

test.each(['docker', 'oci'] as const)(
  'pulling the same digest twice gives identical %s archives, however many jobs',
  async (format) => {
    const content = createContent()
    const layers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => buildLayer({ [name]: name.repeat(10_000) })),
    )
    const image = buildImage({ layers })
    addImage(content, image)
    const server = await serveDuringTest(registry(content))

    const first = await pullFrom(server, `app@${image.digest}`, { format, jobs: 1 })
    const second = await pullFrom(server, `app@${image.digest}`, { format, jobs: 4 })

    expect(sha256(await readFile(second.path))).toBe(sha256(await readFile(first.path)))
  },
)
