import { Readable } from 'node:stream'
import { beforeAll, describe, expect, test } from 'vitest'
import { verifyArchive } from '../../../src/verify/verify-archive.ts'
import { type LayoutName, layouts, packItems } from '../../support/archive-layouts.ts'
import { damages, locate, type Sound } from '../../support/damages.ts'
import { buildImage, buildLayer, noise } from '../../support/image-builder.ts'

const name = 'registry.example/team/app:1'

async function archiveOf(layout: LayoutName): Promise<Buffer> {
  const layers = [await buildLayer({ a: noise(6000) }), await buildLayer({ 'b/': '', 'b/c': 'y' })]
  return packItems(layouts[layout](buildImage({ layers }), name))
}

/** In chunks that fit nothing. */
const streamOf = (bytes: Buffer) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, i) =>
      bytes.subarray(i * 1000, (i + 1) * 1000),
    ),
    { objectMode: false },
  )
const verify = (bytes: Buffer) => verifyArchive(streamOf(bytes), { name: 'x.tar' })

describe.each(Object.keys(layouts) as LayoutName[])('an archive as %s writes it', (layout) => {
  let sound: Sound

  beforeAll(async () => {
    sound = locate(await archiveOf(layout))
  })

  test('is whole', async () => {
    const { ok, problems, warnings, images } = await verify(sound.bytes)
    expect({ ok, problems, warnings }).toEqual({ ok: true, problems: [], warnings: [] })
    expect(images).toHaveLength(1)
    expect(images[0]?.names).toContain(name)
    expect(images[0]?.layers).toHaveLength(2)
  })

  test.each(damages.map((damage) => [damage.what, damage] as const))(
    'harm is found: %s',
    async (_, { damage, problem }) => {
      const bytes = await damage(sound)
      if (!bytes) return
      const { ok, problems, engines } = await verify(bytes)
      expect(ok).toBe(false)
      const [first = { place: '', message: '' }] = problems
      expect(`${first.place}: ${first.message}`).toMatch(
        typeof problem === 'function' ? problem(sound) : problem,
      )
      expect(engines).toEqual([])
    },
  )

  test('there are more than twenty kinds of harm for it', async () => {
    const damaged = await Promise.all(damages.map(({ damage }) => damage(sound)))
    expect(damaged.filter((bytes) => bytes !== undefined).length).toBeGreaterThan(20)
  })

  test('every cut is found, or loses nothing', async () => {
    const cuts = Array.from({ length: Math.ceil(sound.bytes.length / 256) }, (_, i) => i * 256)
    for (const cut of cuts) {
      const { ok, problems, warnings } = await verify(sound.bytes.subarray(0, cut))
      if (ok) expect(warnings.join()).toMatch(/two blocks of zeros/)
      else expect(problems[0]?.kind).toBe('broken')
    }
  })
})
