import { expect, test } from 'vitest'
import { type RequestInfo, trace } from '../../../src/http/trace.ts'
import { type Answer, fakeNetwork, get } from './fake-network.ts'

async function traced(answer: Answer) {
  const seen: RequestInfo[] = []
  const { transport } = fakeNetwork(answer)
  const request = get('https://u:secret@r.example/a?sig=secret', { authorization: 'secret', accept: '*/*' })
  const outcome = await trace((info) => seen.push(info))(transport)(request).catch((error: unknown) => error)
  return { outcome, seen }
}

test('a request is told with its answer and without its secrets', async () => {
  const { outcome, seen } = await traced({
    status: 307,
    headers: { location: 'https://c.example/?sig=secret' },
  })
  expect(outcome).toMatchObject({ status: 307 })
  expect(seen).toEqual([
    {
      method: 'GET',
      url: 'https://r.example/a?sig=***',
      status: 307,
      elapsed: expect.any(Number),
      requestHeaders: { authorization: '***', accept: '*/*' },
      responseHeaders: { location: 'https://c.example/?sig=***' },
    },
  ])
})

test('a request that fails is told, and fails all the same', async () => {
  const error = new Error('lost\nin space')
  const { outcome, seen } = await traced(error)
  expect(outcome).toBe(error)
  expect(seen).toMatchObject([{ error: 'lost in space', responseHeaders: {} }])
  expect(seen[0]).not.toHaveProperty('status')
})
