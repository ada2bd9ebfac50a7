import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { DrayError } from '../../../src/errors.ts'
import { codedError } from '../../../src/http/failures.ts'
import { backoff, type RetryInfo, retry, retryAfter, wait } from '../../../src/http/retry.ts'
import { type Answer, fakeNetwork, get } from './fake-network.ts'

const request = get('https://r.example/v2/a/blobs/x')
const reset = codedError('ECONNRESET', 'connection reset')

async function run(answers: readonly Answer[], retries?: number) {
  const { transport, requests } = fakeNetwork(...answers)
  const told: RetryInfo[] = []
  const slept: number[] = []
  const sleep = async (delay: number) => void slept.push(delay)
  const send = retry({ retries, sleep, random: () => 0.5, onRetry: (info) => told.push(info) })(transport)
  const outcome = await send(request).catch((error: unknown) => error)
  return { outcome, requests, told, slept }
}

test.each([408, 425, 429, 500, 502, 503, 504, 522, 524])('status %i is asked again', async (status) => {
  const { outcome, requests } = await run([{ status }, { status: 200 }])
  expect(outcome).toMatchObject({ status: 200 })
  expect(requests).toHaveLength(2)
})

test.each([200, 206, 301, 400, 401, 403, 404, 405, 416, 501])('status %i is an answer', async (status) => {
  const { outcome, requests } = await run([{ status }, { status: 200 }])
  expect(outcome).toMatchObject({ status })
  expect(requests).toHaveLength(1)
})

test.each([
  [reset, 7],
  [codedError('ECONNREFUSED', 'refused'), 3],
  [codedError('ENOTFOUND', 'not found'), 2],
  [codedError('CERT_HAS_EXPIRED', 'expired'), 1],
  [new DrayError('PROXY_AUTH', 'password'), 1],
  [new DrayError('NETWORK', 'the proxy answered 502', { cause: codedError('HTTP_502', '502') }), 7],
  [new TypeError('a bug'), 1],
])('%s is tried %i times, then thrown as it is', async (error, tries) => {
  const { outcome, requests } = await run([error])
  expect(outcome).toBe(error)
  expect(requests).toHaveLength(tries)
})

test('out of tries, the last response is given back with its body untouched', async () => {
  const body = Readable.from(['why'])
  const dropped = Readable.from(['early'])
  const { outcome, requests } = await run(
    [
      { status: 503, body: dropped },
      { status: 503, body },
    ],
    1,
  )
  expect(outcome).toMatchObject({ status: 503, body })
  expect(requests).toHaveLength(2)
  expect(body.readableDidRead).toBe(false)
  expect(dropped.readableDidRead || dropped.destroyed).toBe(true)
})

test.each<Answer>([{ status: 503 }, reset])(
  'a request that is worth one try only is tried once',
  async (answer) => {
    const { transport, requests } = fakeNetwork(answer)
    await retry()(transport)({ ...request, once: true }).catch(() => {})
    expect(requests).toHaveLength(1)
  },
)

test('zero retries is a single try', async () => {
  const { requests } = await run([{ status: 503 }], 0)
  expect(requests).toHaveLength(1)
})

test('each wait is told before it begins, with what, why and which try', async () => {
  const { told, slept } = await run([reset, { status: 503 }, { status: 200 }])
  expect(told).toEqual([
    { what: 'blob from r.example', reason: 'connection reset', attempt: 1, attempts: 6, delay: 500 },
    { what: 'blob from r.example', reason: 'r.example answered 503', attempt: 2, attempts: 6, delay: 1000 },
  ])
  expect(slept).toEqual([500, 1000])
})

test.each([
  [1, 0, 375],
  [1, 0.5, 500],
  [1, 1, 625],
  [2, 0.5, 1000],
  [6, 0.5, 16_000],
  [7, 0.5, 30_000],
  [50, 0, 22_500],
])('try %i with chance %d waits %i ms', (attempt, chance, expected) => {
  expect(backoff(attempt, () => chance)).toBe(expected)
})

const date = 'Sat, 21 Nov 2026 10:00:00 GMT'
const minuteLater = 'Sat, 21 Nov 2026 10:01:00 GMT'

test.each([
  ['10', undefined, 10_000],
  [' 10 ', undefined, 10_000],
  ['0', undefined, undefined],
  ['-5', undefined, undefined],
  ['1.5', undefined, undefined],
  ['soon', undefined, undefined],
  ['12 monkeys', undefined, undefined],
  [undefined, undefined, undefined],
  [minuteLater, date, 60_000],
  [date, minuteLater, undefined],
  [date, date, undefined],
  ['Saturday, 21-Nov-26 10:01:00 GMT', date, 60_000],
])('Retry-After: %s in an answer of %s asks for %s ms', (value, of, expected) => {
  expect(retryAfter({ headers: { 'retry-after': value, date: of } })).toBe(expected)
})

test('a date without a Date counts from the clock here', () => {
  const inAMinute = new Date(Date.now() + 60_000).toUTCString()
  expect(retryAfter({ headers: { 'retry-after': inAMinute } })).toBeGreaterThan(55_000)
})

test('a Retry-After that is too long for the patience there is ends it', async () => {
  const { transport, requests } = fakeNetwork({ status: 503, headers: { 'retry-after': '3' } })
  const sleep = () => Promise.reject(new Error('waited'))
  expect(await retry({ longestWait: 2000, sleep })(transport)(request)).toMatchObject({ status: 503 })
  expect(requests).toHaveLength(1)
})

test('Retry-After wins over a shorter delay and is never undercut', async () => {
  const { slept } = await run([{ status: 429, headers: { 'retry-after': '7' } }, { status: 200 }])
  expect(slept).toEqual([7000])
})

test('a Retry-After shorter than the usual delay does not make us hasty', async () => {
  const busy = { status: 503, headers: { 'retry-after': '1' } }
  const { slept } = await run([busy, busy, busy, { status: 200 }])
  expect(slept).toEqual([1000, 1000, 2000])
})

test('a Retry-After of more than five minutes gives the response back at once', async () => {
  const { outcome, slept } = await run([{ status: 429, headers: { 'retry-after': '301' } }, { status: 200 }])
  expect(outcome).toMatchObject({ status: 429 })
  expect(slept).toEqual([])
})

test('a wait ends as soon as the signal says so', async () => {
  const { transport, requests } = fakeNetwork({ status: 429, headers: { 'retry-after': '60' } })
  const signal = AbortSignal.timeout(20)
  await expect(retry()(transport)({ ...request, signal })).rejects.toMatchObject({ code: 'ABORTED' })
  expect(requests).toHaveLength(1)
})

test('a wait that is over resolves', async () => {
  await expect(wait(1, new AbortController().signal)).resolves.toBeUndefined()
})
