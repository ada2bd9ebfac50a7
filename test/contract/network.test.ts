import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import type { Handler } from '../support/serve.ts'

const ca = fileURLToPath(new URL('../fixtures/tls/ca.crt', import.meta.url))

async function images() {
  const content = createContent()
  addImage(content, buildImage({ layers: [await buildLayer({ a: 'a' })] }), 'app:1')
  return registry(content)
}

test('a registry with a private CA is believed with that CA only', async () => {
  const server = await serveDuringTest(await images(), { tls: 'server' })

  await expect(pullFrom(server, 'app:1')).rejects.toMatchObject({
    code: 'TLS',
    hint: expect.stringContaining('--ca'),
  })
  expect(server.requests).toEqual([])
  await pullFrom(server, 'app:1', { tls: { caFiles: [ca] } })
})

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not turn verification off; insecure does', async ({
  onTestFinished,
}) => {
  const server = await serveDuringTest(await images(), { tls: 'server' })
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  onTestFinished(() => void delete process.env.NODE_TLS_REJECT_UNAUTHORIZED)

  await expect(pullFrom(server, 'app:1')).rejects.toMatchObject({ code: 'TLS' })
  await pullFrom(server, 'app:1', { tls: { insecure: true } })
})

test.each([429, 500, 502, 503])(
  'a passing %d is tried again, and the user is told',
  async (status) => {
    const handler = await images()
    let failures = 2
    const flaky: Handler = (request, response) => {
      if (failures-- > 0) return void response.writeHead(status, { 'retry-after': '0' }).end()
      return handler(request, response)
    }
    const { events } = await pullFrom(await serveDuringTest(flaky), 'app:1')
    expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2)
  },
  20_000,
)

test('a registry that stays busy is reported with what it said', async () => {
  const limited: Handler = (_, response) => {
    response.writeHead(429, { 'retry-after': '3600', 'content-type': 'application/json' })
    response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}')
  }
  const server = await serveDuringTest(limited)

  await expect(pullFrom(server, 'app:1')).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    message: expect.stringContaining('You have reached your pull rate limit.'),
  })
  expect(server.requests).toHaveLength(1)
})

test.each([
  ['image', 'nothing:1', 'NOT_FOUND'],
  ['tag', 'app:2', 'NOT_FOUND'],
])('an %s that is not there is NOT_FOUND', async (_, name, code) => {
  await expect(pullFrom(await serveDuringTest(await images()), name)).rejects.toMatchObject({ code })
})

test('a login page in place of a manifest is called a web page', async () => {
  const portal: Handler = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<html><head><title>Please sign in</title></head></html>')
  }
  await expect(pullFrom(await serveDuringTest(portal), 'app:1')).rejects.toMatchObject({
    code: 'NETWORK',
    message: expect.stringMatching(/web page/),
  })
})
