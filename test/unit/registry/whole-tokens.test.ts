import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { RequestPurpose } from '../../../src/http/transport.ts'
import { readTokensWhole } from '../../../src/registry/whole-tokens.ts'

const broken = () =>
  Readable.from(
    (function* () {
      yield Buffer.from('{"tok')
      throw Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
    })(),
  )

const ask = (purpose: RequestPurpose, body: Readable) =>
  readTokensWhole()(async ({ url }) => ({ status: 200, headers: {}, body, url }))({
    method: 'GET',
    url: new URL('https://auth.example/token'),
    purpose,
  })

describe('the answer of a token server', () => {
  test('is passed on as it is', async () => {
    const { body } = await ask('token', Readable.from([Buffer.from('{"token":'), Buffer.from('"a"}')]))
    expect((await buffer(body)).toString()).toBe('{"token":"a"}')
  })

  test('that breaks off fails like a request that got none', async () => {
    await expect(ask('token', broken())).rejects.toMatchObject({
      code: 'NETWORK',
      message: 'the token server auth.example closed the connection too early',
    })
  })

  test('is read to its end; what is a blob is not', async () => {
    const { status } = await ask('blob', broken())
    expect(status).toBe(200)
  })
})
