import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { rangeStart, registry } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'
import type { Handler, SeenRequest } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const megabyte = 1_000_000
const jobs = 3
/** Of the one connection that is slow, per second. */
const rate = 2 * megabyte

type Fate = 'whole' | 'never' | 'wrong' | 'no range'

/**
 * An image of one layer, whose first connection is slow. Pieces come at once, each to its fate: what becomes of them
 * depends on no clock.
 */
async function slowServer(bytes: number, fate: (piece: number) => Fate = () => 'whole') {
  const content = createContent()
  const layer = await buildLayer({ noise: randomBytes(bytes) }, { compression: 'none' })
  addImage(content, buildImage({ layers: [layer] }), 'app:1')
  const traffic = { open: 0, atOnce: 0, pieces: 0, isSlow: true }
  const handler: Handler = (request, response) => {
    if (!request.url?.endsWith(layer.digest)) return registry(content)(request, response)
    traffic.open += 1
    traffic.atOnce = Math.max(traffic.atOnce, traffic.open)
    response.once('close', () => {
      traffic.open -= 1
    })
    const { end } = response
    const finish = (body: Buffer) => Reflect.apply(end, response, [body])
    if (isPiece(request)) {
      const kind = fate(traffic.pieces)
      traffic.pieces += 1
      if (kind === 'never') return
      if (kind === 'no range') {
        traffic.isSlow = false
        return registry(content)(withoutRange(request), response)
      }
      const spoil = (body: Buffer) => (kind === 'wrong' ? Buffer.alloc(body.length) : body)
      response.end = ((body: Buffer) => {
        setTimeout(() => finish(spoil(body)), 20)
        return response
      }) as typeof end
    } else if (traffic.isSlow) {
      response.end = ((body: Buffer) => {
        drip(body)
        return response
      }) as typeof end
    }
    const drip = async (body: Buffer) => {
      let position = 0
      for (; position < body.length && traffic.isSlow && !response.destroyed; position += rate / 50) {
        response.write(body.subarray(position, position + rate / 50))
        await wait(20)
      }
      finish(body.subarray(position))
    }
    return registry(content)(request, response)
  }
  const server = await serveDuringTest(handler)
  const requests = () => server.requests.filter(({ url }) => url.endsWith(layer.digest))
  return { server, layer, traffic, requests }
}

function isPiece({ headers }: Pick<SeenRequest, 'headers'>): boolean {
  return /^bytes=\d+-\d+$/.test(headers.range ?? '')
}

function withoutRange(request: Parameters<Handler>[0]): Parameters<Handler>[0] {
  const { range: _, ...headers } = request.headers
  return Object.create(request, { headers: { value: headers } })
}

function pieceRange({ headers }: SeenRequest): readonly [from: number, to: number] {
  const [, from, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
  return [Number(from), Number(last) + 1]
}

describe('a large layer', { timeout: 60_000 }, () => {
  test('comes by several connections, never by more than there may be, and each byte of its pieces once', async () => {
    const { server, layer, traffic, requests } = await slowServer(24 * megabyte)
    const { path, events } = await pullFrom(server, 'app:1', { jobs })

    expect((await readFile(path)).includes(layer.tar)).toBe(true)
    expect(traffic.atOnce).toBe(jobs)
    const pieces = requests().filter(isPiece).map(pieceRange)
    expect(requests()).toHaveLength(pieces.length + 1)
    expect(pieces.slice(1).map(([from]) => from)).toEqual(pieces.slice(0, -1).map(([, to]) => to))
    expect(pieces.at(-1)?.[1]).toBe(layer.blob.length)
    const received = events.flatMap((event) => (event.type === 'blob-progress' ? [event.received] : []))
    expect(received).toEqual(received.toSorted((a, b) => a - b))
    expect(events.filter(({ type }) => ['retry', 'warning'].includes(type))).toEqual([])
  })

  test('comes by one connection where only one may be used', async () => {
    const { server, layer, requests } = await slowServer(9 * megabyte)
    const { path } = await pullFrom(server, 'app:1', { jobs: 1 })

    expect((await readFile(path)).includes(layer.tar)).toBe(true)
    expect(requests()).toHaveLength(1)
  })

  test('comes by one connection from a server that knows no ranges, which is asked for one once', async () => {
    const { server, layer, requests } = await slowServer(16 * megabyte, () => 'no range')
    const { path } = await pullFrom(server, 'app:1', { jobs })

    expect((await readFile(path)).includes(layer.tar)).toBe(true)
    expect(requests().map(isPiece)).toEqual([false, true])
  })

  test('is fetched again as a whole when its pieces were wrong', async () => {
    const { server, layer, traffic, requests } = await slowServer(16 * megabyte, (piece) => {
      if (piece > 2) traffic.isSlow = false
      return 'wrong'
    })
    const { path } = await pullFrom(server, 'app:1', { jobs })

    expect((await readFile(path)).includes(layer.tar)).toBe(true)
    const kinds = requests().map(isPiece)
    expect(kinds.filter((piece) => !piece)).toHaveLength(2)
    expect(kinds.at(-1)).toBe(false)
  })

  test('that is given up leaves no connection', async () => {
    const { server, traffic } = await slowServer(24 * megabyte, (piece) => (piece === 0 ? 'whole' : 'never'))
    const stop = new AbortController()
    const pull = pullFrom(server, 'app:1', { jobs, signal: stop.signal })
    pull.catch(() => {})
    await expect.poll(() => traffic.open, { timeout: 30_000 }).toBe(jobs)
    stop.abort()

    await expect(pull).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => [traffic.open, server.openSockets()]).toEqual([0, 0])
  })

  test('whose pull is killed goes on from where it was, pieces and all', async () => {
    let isHeld = true
    const { server, layer, traffic, requests } = await slowServer(24 * megabyte, (piece) =>
      isHeld && piece >= 5 ? 'never' : 'whole',
    )
    const directory = temporaryDirectory()
    const output = join(directory, 'image.tar')
    const options = ['--plain-http', '--progress', 'none', '-j', String(jobs), '-o', output]
    const args = [...options, `${server.host}/app:1`]
    const missing = () =>
      Math.min(
        ...requests()
          .filter(isPiece)
          .slice(5)
          .map((piece) => pieceRange(piece)[0]),
      )
    const killed = runDray(args, {
      onStart: async (child) => {
        await expect.poll(() => traffic.pieces, { timeout: 30_000 }).toBeGreaterThan(5)
        await expect.poll(() => sizeOfPartial(directory, layer.digest), { timeout: 30_000 }).toBe(missing())
        child.kill('SIGKILL')
      },
    })
    expect((await killed).exitCode).toBe(null)
    await expect.poll(() => traffic.open).toBe(0)
    const count = requests().length
    isHeld = false
    traffic.isSlow = false

    expect(await runDray(args)).toMatchObject({ exitCode: 0 })
    expect(
      requests()
        .slice(count)
        .map(rangeStart as never),
    ).toEqual([missing()])
    expect((await readFile(output)).includes(layer.tar)).toBe(true)
  })
})

/** Of the file that a blob arrives in, somewhere below. */
async function sizeOfPartial(directory: string, digest: string): Promise<number | undefined> {
  const paths = await readdir(directory, { recursive: true })
  const hex = digest.replace('sha256:', '')
  const partial = paths.find((path) => path.includes(`${hex}.`))
  return partial === undefined ? undefined : (await stat(join(directory, partial))).size
}
