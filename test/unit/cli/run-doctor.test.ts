import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import type { Flags } from '../../../src/cli/flags.ts'
import { runDoctor } from '../../../src/cli/run-doctor.ts'
import { FakeStream } from '../../support/fake-stream.ts'
import { addImage, buildImage, createContent, layerOf } from '../../support/image-builder.ts'
import { serveDuringTest } from '../../support/pull-from.ts'
import { registry } from '../../support/registry.ts'

async function doctor(image: string, flags: Flags = {}, env: Readonly<Record<string, string>> = {}) {
  const signals = new EventEmitter()
  const [stdout, stderr] = [new FakeStream(), new FakeStream()]
  const surroundings = {
    ...{ signals, stdout, stderr, exit: vi.fn(), loadPull: vi.fn() },
    env: { DOCKER_CONFIG: '/none', ...env },
    stdin: () => Readable.from([]),
  }
  const running = runDoctor({ kind: 'doctor', references: [image], flags }, surroundings)
  return { signals, exitCode: await running, stdout: stdout.text, stderr: stderr.text }
}

async function healthy(): Promise<string> {
  const content = createContent()
  addImage(content, buildImage({ layers: [layerOf(Buffer.alloc(1024))] }), 'app:1')
  return `${(await serveDuringTest(registry(content))).host}/app:1`
}

test('a line for each step goes to stdout, and then the verdict; exit 0', async () => {
  const image = await healthy()
  const { exitCode, stdout, stderr } = await doctor(image)
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^ok {3}reference .*\nok {3}endpoint .*\nok {3}blob .*\nA pull works\.\n$/ms)
  expect(stderr).toBe('')
})

test('what is broken decides the exit code, and what to do first is the last line', async () => {
  const { exitCode, stdout } = await doctor('127.0.0.1:1/app')
  expect(exitCode).toBe(5)
  expect(stdout).toMatch(/^FAIL tcp .*\nFirst: [^\n]*port[^\n]*\n$/ms)
})

test('--json is one object on stdout, whatever is broken', async () => {
  const good = await doctor(await healthy(), { json: true })
  expect(JSON.parse(good.stdout)).toMatchObject({ ok: true, exitCode: 0, steps: { length: 15 } })
  const bad = await doctor('127.0.0.1:1/app', { json: true })
  expect(bad.exitCode).toBe(5)
  expect(JSON.parse(bad.stdout)).toMatchObject({
    ok: false,
    exitCode: 5,
    first: expect.stringContaining('port'),
  })
})

test('--verbose tells every request on stderr', async () => {
  const { stderr } = await doctor(await healthy(), { verbose: true })
  expect(stderr.match(/GET .*/g)).toHaveLength(4)
  expect(stderr).toMatch(/\/v2\/.*\/manifests\/1.*\/blobs\//s)
})

test('the flags of a pull hold: a mirror, a platform', async () => {
  const image = await healthy()
  const [host] = image.split('/')
  const mirrored = await doctor('registry.test/app:1', { mirror: [`registry.test=http://${host}`] })
  expect(mirrored.exitCode).toBe(0)
  expect((await doctor(image, { platform: 'linux/s390x' })).exitCode).toBe(3)
})

test('where an archive would go does not matter', async () => {
  const { exitCode } = await doctor(await healthy(), { json: true }, { DRAY_OUTPUT: '-' })
  expect(exitCode).toBe(0)
})
