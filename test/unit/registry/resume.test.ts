import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { DrayError } from '../../../src/errors.ts'
import { type OpenedBody, resumeBody } from '../../../src/registry/resume.ts'
import { countTries } from '../../../src/registry/tries.ts'

const url = new URL('https://cdn.io/blob')
const blob = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251))
const reset = () => Object.assign(new Error('reset'), { code: 'ECONNRESET' })

/** Sends the blob from `start` on in chunks of 7, and breaks off before `end`. */
function bodyOf(start: number, end: number, error?: Error): Readable {
  let position = start
  return new Readable({
    read() {
      const next = Math.min(position + 7, end)
      if (position < end) this.push(blob.subarray(position, next))
      else if (error) this.destroy(error)
      else this.push(null)
      position = next
    },
  })
}

/** A server whose bodies are given, and who records from where on each was wanted. */
function serve(
  bodies: ((from: number) => OpenedBody | Promise<OpenedBody>)[],
  { from = 0, size = blob.length, retries = 6 } = {},
) {
  const wanted: number[] = []
  const delays: number[] = []
  const opened: Readable[] = []
  const told: string[] = []
  const abort = new AbortController()
  const open = async (from: number) => {
    const make = bodies[wanted.push(from) - 1]
    if (!make) throw new Error(`opened too often: ${wanted}`)
    const body = await make(from)
    opened.push(body.body)
    return body
  }
  const start = async () =>
    resumeBody(await open(from), open, {
      from,
      size,
      what: 'blob x',
      signal: abort.signal,
      tries: countTries(
        {
          retries,
          sleep: async (ms) => void delays.push(ms),
          onRetry: ({ what, reason, attempt, attempts }) =>
            told.push(`${what}: ${reason} (${attempt}/${attempts})`),
        },
        'blob x',
        abort.signal,
      ),
    })
  return { start, wanted, delays, opened, told, abort }
}

const at = (start: number, end: number, error?: Error): OpenedBody => ({
  body: bodyOf(start, end, error),
  start,
  url,
})
const upTo = (end: number, error?: Error) => (from: number) => at(from, end, error)
const whole = upTo(blob.length)

describe('a blob that arrives', () => {
  test('passes through unchanged', async () => {
    const { start, wanted } = serve([whole])
    expect(await buffer(await start())).toEqual(blob)
    expect(wanted).toEqual([0])
  })

  test.each([1, 500, 999])('goes on from %i', async (from) => {
    const { start } = serve([whole], { from })
    expect(await buffer(await start())).toEqual(blob.subarray(from))
  })

  test.each([0, 3, 7, 700])('from %i bytes too early has them skipped', async (early) => {
    const { start } = serve([(from) => at(from - early, blob.length)], { from: 701 })
    expect(await buffer(await start())).toEqual(blob.subarray(701))
  })
})

describe('a blob that breaks off', () => {
  test.each([
    ['by a reset', reset()],
    ['by ending cleanly', undefined],
  ])('%s goes on where it stopped', async (_, error) => {
    const { start, wanted, told } = serve([upTo(300, error), upTo(650, error), whole])
    expect(await buffer(await start())).toEqual(blob)
    expect(wanted).toEqual([0, 300, 650])
    expect(told).toEqual([
      'blob x: the server cdn.io closed the connection too early (1/6)',
      'blob x: the server cdn.io closed the connection too early (1/6)',
    ])
  })

  test('and starts again from 0 has what is known skipped', async () => {
    const { start } = serve([upTo(300, reset()), () => at(0, blob.length)])
    expect(await buffer(await start())).toEqual(blob)
  })

  test('again and again arrives as long as there is progress', async () => {
    const cuts = Array.from({ length: 15 }, (_, i) => upTo((i + 1) * 63, reset()))
    const { start, told } = serve([...cuts, whole], { retries: 1 })
    expect(await buffer(await start())).toEqual(blob)
    expect(told).toHaveLength(15)
  })

  test('without progress is given up after as many tries as allowed', async () => {
    const { start, wanted, delays } = serve(Array(4).fill(upTo(300, reset())), { retries: 3 })
    await expect(buffer(await start())).rejects.toMatchObject({
      code: 'NETWORK',
      message:
        'blob x broke off, 4 times without progress: the server cdn.io closed the connection too early',
    })
    expect(wanted).toEqual([0, 300, 300, 300])
    expect(delays).toHaveLength(3)
  })

  test('byte by byte is given up too', async () => {
    const drips = Array.from({ length: 5 }, (_, i) => upTo(300 + i, reset()))
    const { start, wanted } = serve(drips, { retries: 3 })
    await expect(buffer(await start())).rejects.toMatchObject({ code: 'NETWORK' })
    expect(wanted).toEqual([0, 300, 301, 302])
  })

  test('is whole when only the end of the connection was rough', async () => {
    const { start } = serve([upTo(blob.length, reset())])
    expect(await buffer(await start())).toEqual(blob)
  })

  test('fails at once when it cannot be opened again', async () => {
    const refusal = new Error('refused')
    const { start } = serve([upTo(300, reset()), () => Promise.reject(refusal)])
    await expect(buffer(await start())).rejects.toBe(refusal)
  })

  test('for a reason that stays is not tried again', async () => {
    const { start, wanted } = serve([
      upTo(300, Object.assign(new Error('x'), { code: 'HPE_INVALID_CONSTANT' })),
    ])
    await expect(buffer(await start())).rejects.toMatchObject({ code: 'NETWORK' })
    expect(wanted).toEqual([0])
  })
})

test('a blob that cannot be gone on with is named in the error, with how far it came', async () => {
  const error = new DrayError('NETWORK', 'the server cdn.io refused the connection', {
    hint: 'check the port',
  })
  const { start } = serve([
    upTo(300, reset()),
    () => {
      throw error
    },
  ])
  await expect(buffer(await start())).rejects.toMatchObject({
    code: 'NETWORK',
    message: 'blob x broke off after 300 bytes: the server cdn.io refused the connection',
    hint: 'check the port',
    cause: error,
  })
})

test('a blob that is too long fails as soon as it is, before the surplus is passed on', async () => {
  const { start, opened } = serve([whole], { size: 500 })
  const chunks: Buffer[] = []
  const stream = await start()
  stream.on('data', (chunk) => chunks.push(chunk))
  await expect(new Promise((_, reject) => stream.on('error', reject))).rejects.toMatchObject({
    code: 'INTEGRITY',
    message: 'blob x is longer than the 500 bytes that its manifest promises',
  })
  expect(Buffer.concat(chunks).length).toBeLessThanOrEqual(500)
  expect(opened[0]?.destroyed).toBe(true)
})

describe('whoever stops reading', () => {
  test('by the signal ends the body', async () => {
    const endless = new Readable({ read() {} })
    const { start, abort, wanted } = serve([() => ({ body: endless, start: 0, url })])
    const reading = buffer(await start())
    abort.abort()
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
    expect(endless.destroyed).toBe(true)
    await new Promise(setImmediate)
    expect(wanted).toEqual([0])
  })

  test('by destroying the stream ends the body, and it is not opened again', async () => {
    const { start, opened, wanted } = serve([whole])
    const stream = await start()
    stream.destroy()
    await new Promise(setImmediate)
    expect(opened[0]?.destroyed).toBe(true)
    expect(wanted).toEqual([0])
  })

  test('while it is being opened again ends that body too', async () => {
    let deliver: (body: OpenedBody) => void = () => {}
    const late = new Promise<OpenedBody>((resolve) => {
      deliver = resolve
    })
    const { start, wanted } = serve([upTo(300, reset()), () => late])
    const stream = await start()
    stream.on('data', () => {})
    while (wanted.length < 2) await new Promise(setImmediate)
    stream.destroy()
    const second = at(300, blob.length)
    deliver(second)
    await new Promise(setImmediate)
    expect(second.body.destroyed).toBe(true)
  })

  test('slowly slows the body down', async () => {
    let sent = 0
    const chunk = Buffer.alloc(256 * 1024)
    const body = new Readable({
      read() {
        sent += chunk.length
        this.push(chunk)
      },
    })
    const size = 100 * 1024 * 1024
    const { start } = serve([() => ({ body, start: 0, url })], { size })
    const stream = await start()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sent).toBeLessThan(4 * 1024 * 1024)
    stream.destroy()
  })
})
