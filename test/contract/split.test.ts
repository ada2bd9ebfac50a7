import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent, sha256 } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { rangeStart, registry } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'
import type { Handler, SeenRequest } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const megabyte = 1_000_000
const jobs = 3

interface Pace {
  /** Bytes per second. */
  readonly rate: number
  /** Whether connections share it. */
  readonly isShared?: boolean
}

/** An image of one layer, behind a network that is slow to each connection, or to all of them together. */
async function slowServer(
  { rate, isShared = false }: Pace,
  bytes: number,
  around: (next: Handler) => Handler = (next) => next,
) {
  const content = createContent()
  const layer = await buildLayer({ noise: randomBytes(bytes) }, { compression: 'none' })
  addImage(content, buildImage({ layers: [layer] }), 'app:1')
  const traffic = { open: 0, atOnce: 0, sent: 0 }
  const slowly: Handler = (request, response) => {
    if (!request.url?.endsWith(layer.digest)) return registry(content)(request, response)
    traffic.open += 1
    traffic.atOnce = Math.max(traffic.atOnce, traffic.open)
    response.once('close', () => {
      traffic.open -= 1
    })
    const { end } = response
    response.end = ((body: Buffer = Buffer.alloc(0)) => {
      let position = 0
      let last = performance.now()
      const step = () => {
        const now = performance.now()
        const most = ((now - last) / 1000) * (isShared ? rate / traffic.open : rate)
        last = now
        const part = body.subarray(position, position + Math.ceil(most))
        position += part.length
        traffic.sent += part.length
        if (response.destroyed) return
        if (position === body.length) return void Reflect.apply(end, response, [part])
        response.write(part)
        setTimeout(step, 10)
      }
      step()
      return response
    }) as typeof response.end
    return around(registry(content))(request, response)
  }
  const server = await serveDuringTest(slowly)
  const requests = () => server.requests.filter(({ url }) => url.endsWith(layer.digest))
  return { server, layer, traffic, requests }
}

const isPiece = ({ headers }: Pick<SeenRequest, 'headers'>) => /^bytes=\d+-\d+$/.test(headers.range ?? '')

describe('a large layer', { timeout: 60_000 }, () => {
  test('comes by several connections when each is slow, never by more than there may be', async () => {
    const { server, layer, traffic, requests } = await slowServer({ rate: 4 * megabyte }, 32 * megabyte)
    const { path, events } = await pullFrom(server, 'app:1', { jobs })

    expect((await readFile(path)).includes(layer.tar)).toBe(true)
    expect(traffic.atOnce).toBe(jobs)
    expect(requests().filter((request) => !isPiece(request))).toHaveLength(1)
    const received = events.flatMap((event) => (event.type === 'blob-progress' ? [event.received] : []))
    expect(received).toEqual(received.toSorted((a, b) => a - b))
    expect(events.filter(({ type }) => ['retry', 'warning'].includes(type))).toEqual([])
  })

  test.each([
    ['connections share what there is', { rate: 4 * megabyte, isShared: true }, jobs, 2],
    ['only one may be used', { rate: 8 * megabyte }, 1, 1],
  ])('comes by one connection where %s', async (_, pace, most, count) => {
    const { server, layer, requests } = await slowServer(pace, 24 * megabyte)
    const { path } = await pullFrom(server, 'app:1', { jobs: most })

    expect((await readFile(path)).includes(layer.tar)).toBe(true)
    expect(requests().length).toBeLessThanOrEqual(count)
  })

  test('comes by one connection from a server that knows no ranges, which is asked for one once', async () => {
    const withoutRanges =
      (next: Handler): Handler =>
      (request, response) => {
        const { range: _, ...headers } = request.headers
        return next(Object.create(request, { headers: { value: headers } }), response)
      }
    const { server, layer, requests } = await slowServer({ rate: 4 * megabyte }, 24 * megabyte, withoutRanges)
    const { path } = await pullFrom(server, 'app:1', { jobs })

    expect((await readFile(path)).includes(layer.tar)).toBe(true)
    expect(requests().map(isPiece)).toEqual([false, true])
  })

  test('is fetched again as a whole when its pieces were wrong', async () => {
    const spoilt =
      (next: Handler): Handler =>
      (request, response) => {
        const { end } = response
        if (isPiece(request)) {
          response.end = ((bytes: Buffer) =>
            Reflect.apply(end, response, [Buffer.alloc(bytes.length)])) as typeof end
        }
        return next(request, response)
      }
    const { server, layer, requests } = await slowServer({ rate: 6 * megabyte }, 30 * megabyte, spoilt)
    const { path } = await pullFrom(server, 'app:1', { jobs })

    expect((await readFile(path)).includes(layer.tar)).toBe(true)
    const kinds = requests().map(isPiece)
    expect(kinds.filter((piece) => !piece)).toHaveLength(2)
    expect(kinds.at(-1)).toBe(false)
  })

  test('that is given up leaves no connection', async () => {
    const { server, traffic } = await slowServer({ rate: 4 * megabyte }, 32 * megabyte)
    const stop = new AbortController()
    const pull = pullFrom(server, 'app:1', { jobs, signal: stop.signal })
    pull.catch(() => {})
    await expect.poll(() => traffic.open, { timeout: 20_000 }).toBe(jobs)
    stop.abort()

    await expect(pull).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => [traffic.open, server.openSockets()]).toEqual([0, 0])
  })

  test('whose pull is killed goes on from there: what is lost is some pieces', async () => {
    const rate = megabyte
    const { server, layer, traffic, requests } = await slowServer({ rate }, 14 * megabyte)
    const output = join(temporaryDirectory(), 'image.tar')
    const args = [
      '--plain-http',
      '--progress',
      'none',
      '-j',
      String(jobs),
      '-o',
      output,
      `${server.host}/app:1`,
    ]
    const killed = runDray(args, {
      onStart: async (child) => {
        await expect.poll(() => traffic.sent, { timeout: 30_000 }).toBeGreaterThan(8 * megabyte)
        child.kill('SIGKILL')
      },
    })
    expect((await killed).exitCode).toBe(null)
    await expect.poll(() => traffic.open).toBe(0)
    const { sent } = traffic
    const count = requests().length

    expect(await runDray(args)).toMatchObject({ exitCode: 0 })
    const from = rangeStart(requests()[count] as never) ?? 0
    expect(sent - from).toBeLessThan((jobs + 1) * rate + 2 * megabyte)
    expect(count).toBeGreaterThan(4)
    expect((await readFile(output)).includes(layer.tar)).toBe(true)
    expect(sha256(layer.blob)).toBe(layer.digest)
  })
})
