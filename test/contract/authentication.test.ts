import { expect, test } from 'vitest'
import type { CredentialSource } from '../../src/auth/credential.ts'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { pathsSeen, pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { basic, registry, withBasicAuth, withTokenAuth } from '../support/registry.ts'
import type { Handler } from '../support/serve.ts'

const alice: CredentialSource = {
  find: async () => ({ kind: 'basic', username: 'alice', password: 's3cret' }),
}

async function sixLayers() {
  const content = createContent()
  const layers = await Promise.all([...'abcdef'].map((name) => buildLayer({ [name]: name })))
  addImage(content, buildImage({ layers }), 'team/app:1')
  return content
}

test('one token serves the whole pull, however many blobs wait for it', async () => {
  const server = await serveDuringTest(withTokenAuth(registry(await sixLayers())))

  await pullFrom(server, 'team/app:1', { jobs: 6 })

  expect(pathsSeen(server, '/token')).toEqual(['/token?service=test&scope=repository%3Ateam%2Fapp%3Apull'])
})

test('a token that expires in the middle of a pull is renewed, and the pull goes on', async () => {
  const server = await serveDuringTest(withTokenAuth(registry(await sixLayers()), { uses: 3 }))

  await pullFrom(server, 'team/app:1', { jobs: 1 })

  expect(pathsSeen(server, '/token').length).toBeGreaterThan(1)
  for (const path of new Set(pathsSeen(server, '/blobs/'))) {
    expect(pathsSeen(server, path).length).toBeLessThanOrEqual(2)
  }
})

test('a token server that answers with access_token is understood', async () => {
  const server = await serveDuringTest(withTokenAuth(registry(await sixLayers()), { field: 'access_token' }))
  await pullFrom(server, 'team/app:1')
})

test('credentials go to the token server, and only the token to the registry', async () => {
  const user = { username: 'alice', password: 's3cret' }
  const server = await serveDuringTest(withTokenAuth(registry(await sixLayers()), { user }))

  await pullFrom(server, 'team/app:1', { credentials: alice })

  const sent = new Map(server.requests.map(({ url, headers }) => [url.split('?')[0], headers.authorization]))
  expect(sent.get('/token')).toBe(basic('alice', 's3cret'))
  expect([...sent].filter(([path, value]) => path !== '/token' && !value?.startsWith('Bearer '))).toEqual([])
})

test('a registry with Basic authentication gets the password when it asks for it', async () => {
  const server = await serveDuringTest(withBasicAuth(registry(await sixLayers()), 'alice', 's3cret'))

  await pullFrom(server, 'team/app:1', { credentials: alice })

  expect(server.requests[0]?.headers.authorization).toBeUndefined()
  expect(server.requests.filter(({ headers }) => !headers.authorization)).toHaveLength(1)
})

test.each([
  ['no credentials', undefined],
  [
    'wrong ones',
    {
      find: async () => ({ kind: 'basic', username: 'alice', password: 'wrong' }),
    } satisfies CredentialSource,
  ],
])(
  'with %s a private image is refused as UNAUTHORIZED, after a bounded number of requests',
  async (_, credentials) => {
    const server = await serveDuringTest(withBasicAuth(registry(await sixLayers()), 'alice', 's3cret'))

    await expect(pullFrom(server, 'team/app:1', { credentials })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    })
    expect(server.requests.length).toBeLessThanOrEqual(3)
  },
)

test('a blob that is served by another host is fetched there without any Authorization', async () => {
  const content = await sixLayers()
  const storage = await serveDuringTest(registry(content))
  const toStorage: Handler = (request, response) => {
    if (!request.url?.includes('/blobs/')) return registry(content)(request, response)
    response.writeHead(307, { location: `${storage.url}${request.url}` }).end()
  }
  const server = await serveDuringTest(withTokenAuth(toStorage))

  await pullFrom(server, 'team/app:1')

  expect(storage.requests).toHaveLength(7)
  expect(storage.requests.filter(({ headers }) => headers.authorization)).toEqual([])
})

test('another host that answers a redirect with a challenge never gets the credentials', async () => {
  const content = await sixLayers()
  const thief = await serveDuringTest(
    withTokenAuth(registry(content), { user: { username: 'alice', password: 's3cret' } }),
  )
  const toThief: Handler = (request, response) => {
    if (!request.url?.includes('/blobs/')) return registry(content)(request, response)
    response.writeHead(307, { location: `${thief.url}${request.url}` }).end()
  }
  const server = await serveDuringTest(withBasicAuth(toThief, 'alice', 's3cret'))

  await expect(pullFrom(server, 'team/app:1', { credentials: alice })).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
  })
  expect(thief.requests.length).toBeGreaterThan(0)
  expect(thief.requests.filter(({ headers }) => headers.authorization)).toEqual([])
})
