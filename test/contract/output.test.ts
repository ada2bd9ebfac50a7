import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { hostPlatform } from '../../src/oci/platform.ts'
import { addImage, addIndex, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

async function smallServer() {
  const content = createContent()
  const image = buildImage({
    layers: [await buildLayer({ a: 'x'.repeat(100_000) }), await buildLayer({ b: '' })],
  })
  addImage(content, image, 'team/app:1')
  const other = hostPlatform().architecture === 's390x' ? 'amd64' : 's390x'
  addIndex(
    content,
    [buildImage({ layers: image.layers, platform: { os: 'linux', architecture: other } })],
    'team/other:1',
  )
  return { server: await serveDuringTest(registry(content)), image, other: `linux/${other}` }
}

test('a directory gets the archive under a name made from the image', async () => {
  const { server, image, other } = await smallServer()
  const directory = temporaryDirectory()

  await pullFrom(server, 'team/app:1', { output: directory })
  await pullFrom(server, `team/app@${image.digest}`, { output: `${directory}/` })
  await pullFrom(server, 'team/other:1', { output: directory, platform: other })

  const host = server.host.replace(':', '_')
  expect((await readdir(directory)).toSorted()).toEqual(
    [
      `${host}_team_app_1.tar`,
      `${host}_team_app_${image.digest.slice(7, 19)}.tar`,
      `${host}_team_other_1_${other.replace('/', '_')}.tar`,
    ].toSorted(),
  )
})

test.each(['docker', 'oci'] as const)(
  'the %s archive on a stream is the one that goes to a file',
  async (format) => {
    const { server } = await smallServer()
    const stdout = new PassThrough()
    const streamed = buffer(stdout)

    const { path } = await pullFrom(server, 'team/app:1', { format })
    const { result } = await pullFrom(server, 'team/app:1', { format, output: '-', stdout })
    stdout.end()

    expect(result.path).toBe('-')
    expect((await streamed).equals(await readFile(path))).toBe(true)
  },
)

test('an existing archive is replaced, and nothing but the archive is left', async () => {
  const { server } = await smallServer()
  const directory = temporaryDirectory()
  const output = join(directory, 'image.tar')
  await writeFile(output, 'old')

  await pullFrom(server, 'team/app:1', { output })

  expect((await readFile(output)).length).toBeGreaterThan(100_000)
  expect(await readdir(directory)).toEqual(['image.tar'])
})

test.skipIf(process.platform === 'win32')(
  'a link at the output stays a link; the file behind it is replaced',
  async () => {
    const { server } = await smallServer()
    const directory = temporaryDirectory()
    await mkdir(join(directory, 'elsewhere'))
    await writeFile(join(directory, 'elsewhere', 'real.tar'), 'old')
    await symlink(join('elsewhere', 'real.tar'), join(directory, 'link.tar'))

    await pullFrom(server, 'team/app:1', { output: join(directory, 'link.tar') })

    expect((await readFile(join(directory, 'elsewhere', 'real.tar'))).length).toBeGreaterThan(100_000)
    expect(
      (await readdir(directory, { withFileTypes: true })).map((file) => [file.name, file.isSymbolicLink()]),
    ).toContainEqual(['link.tar', true])
  },
)

test('a directory that is not there is reported before the network is asked anything', async () => {
  const { server } = await smallServer()
  const output = join(temporaryDirectory(), 'missing', 'image.tar')

  await expect(pullFrom(server, 'team/app:1', { output })).rejects.toMatchObject({ code: 'FILE' })
  expect(server.requests).toEqual([])
})

test('a place where no file can be is reported before the network is asked anything', async () => {
  const { server } = await smallServer()
  const file = join(temporaryDirectory(), 'file')
  await writeFile(file, '')

  await expect(pullFrom(server, 'team/app:1', { output: join(file, 'x.tar') })).rejects.toMatchObject({
    code: 'FILE',
  })
  expect(server.requests).toEqual([])
})

test.skipIf(process.platform === 'win32')('a device is written to, not replaced', async () => {
  const { server } = await smallServer()

  const { result } = await pullFrom(server, 'team/app:1', { output: '/dev/null' })

  expect(result.path).toBe('/dev/null')
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true)
})

test('a reader that goes away ends the pull as PIPE_CLOSED', async () => {
  const { server } = await smallServer()
  const stdout = new PassThrough({ highWaterMark: 10 })
  const failure = pullFrom(server, 'team/app:1', { output: '-', stdout })
  await Promise.race([once(stdout, 'readable'), failure])
  stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))

  await expect(failure).rejects.toMatchObject({ code: 'PIPE_CLOSED' })
})
