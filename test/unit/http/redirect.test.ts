import { describe, expect, test } from 'vitest'
import { codedError } from '../../../src/http/failures.ts'
import { retryClass, toNetworkError } from '../../../src/http/network-error.ts'
import { followRedirects } from '../../../src/http/redirect.ts'
import { fakeNetwork, get } from './fake-network.ts'

const to = (location?: string, status = 307) => ({ status, headers: { location } })

const headers = { authorization: 'Bearer secret', accept: 'application/json', range: 'bytes=5-' }

async function follow(url: string, ...locations: readonly (string | undefined)[]) {
  const { transport, requests } = fakeNetwork(...locations.map((location) => to(location)), { status: 200 })
  const outcome = await followRedirects()(transport)(get(url, headers)).catch((error: unknown) => error)
  return { outcome, requests, urls: requests.map((request) => request.url.href) }
}

test.each([301, 302, 303, 307, 308])('%i is followed, method and headers kept', async (status) => {
  const { transport, requests } = fakeNetwork(to('/elsewhere', status), { status: 200 })
  const response = await followRedirects()(transport)({
    ...get('https://r.example/a', headers),
    method: 'HEAD',
  })
  expect(response).toMatchObject({ status: 200, url: new URL('https://r.example/elsewhere') })
  expect(requests[1]).toMatchObject({ method: 'HEAD', headers, purpose: 'blob' })
})

test.each([200, 300, 304, 401, 404])('%i is an answer', async (status) => {
  const { transport, requests } = fakeNetwork(to('/elsewhere', status))
  expect(await followRedirects()(transport)(get('https://r.example/a'))).toMatchObject({ status })
  expect(requests).toHaveLength(1)
})

test.each([
  ['b?x=1', 'https://r.example/v2/b?x=1'],
  ['/b', 'https://r.example/b'],
  ['//cdn.example/b', 'https://cdn.example/b'],
  [' https://cdn.example/b ', 'https://cdn.example/b'],
  ['https://cdn.example:8443/b', 'https://cdn.example:8443/b'],
])('Location %j leads to %s', async (location, expected) => {
  const { urls } = await follow('https://r.example/v2/a', location)
  expect(urls.at(-1)).toBe(expected)
})

describe('Authorization', () => {
  test.each([
    ['https://r.example/a', ['https://r.example:443/b'], [true, true]],
    ['https://r.example/a', ['https://cdn.example/b'], [true, false]],
    ['https://r.example/a', ['https://r.example:5000/b'], [true, false]],
    ['http://r.example/a', ['https://r.example/b'], [true, false]],
    ['https://r.example/a', ['https://sub.r.example/b'], [true, false]],
    ['https://r.example/a', ['https://cdn.example/b', 'https://r.example/c'], [true, false, false]],
    ['https://r.example/a', ['/b', 'https://cdn.example/c', '/d'], [true, true, false, false]],
  ])('%s → %j carries it: %j', async (url, locations, expected) => {
    const { requests } = await follow(url, ...locations)
    expect(requests.map((request) => request.headers?.authorization !== undefined)).toEqual(expected)
    for (const request of requests)
      expect(request.headers).toMatchObject({ accept: headers.accept, range: headers.range })
  })
})

test('ten redirects are followed, the eleventh is an error that shows the chain without secrets', async () => {
  const hops = (count: number) =>
    Array.from({ length: count }, (_, index) => `https://r.example/${index}?sig=secret`)
  expect((await follow('https://r.example/a', ...hops(10))).outcome).toMatchObject({ status: 200 })
  const { outcome, requests } = await follow('https://r.example/a', ...hops(11))
  expect(outcome).toMatchObject({
    code: 'POLICY',
    message: expect.stringContaining('/9?sig=*** → https://r.example/10'),
  })
  expect(requests).toHaveLength(11)
})

test.each([
  ['to itself', ['/a'], 1],
  ['to where it was', ['https://cdn.example/b?sig=secret', 'https://r.example/a'], 2],
  ['to the second', ['/b', '/c', '/b'], 3],
])('a redirect %s is a circle, and nothing in it is asked twice', async (_, locations, asked) => {
  const { outcome, requests } = await follow('https://r.example/a', ...locations)
  expect(outcome).toMatchObject({
    code: 'POLICY',
    message: expect.stringMatching(/^redirects in a circle: /),
  })
  expect((outcome as Error).message).not.toContain('secret')
  expect(requests).toHaveLength(asked)
})

test('the same path with another query is no circle', async () => {
  const { outcome } = await follow('https://r.example/a', '/a?x=1', '/a?x=2')
  expect(outcome).toMatchObject({ status: 200 })
})

test.each([
  ['https://r.example/a', 'http://r.example/b', 'POLICY', /leaves https/],
  [
    'https://r.example/a',
    'http://cdn.example/b?sig=secret',
    'POLICY',
    /http:\/\/cdn\.example\/b\?sig=\*\*\*/,
  ],
  ['https://r.example/a', 'file:///etc/passwd', 'POLICY', /neither http nor https/],
  ['https://r.example/a', 'ftp://r.example/b', 'POLICY', /neither http nor https/],
  ['https://r.example/a', 'javascript:alert(1)', 'POLICY', /neither http nor https/],
  ['https://r.example/a', 'https://user:secret@r.example/b', 'POLICY', /user name or password/],
  ['https://r.example/a', undefined, 'NETWORK', /without saying where/],
  ['https://r.example/a', '', 'NETWORK', /without saying where/],
  ['https://r.example/a', 'https://', 'NETWORK', /no URL/],
  ['https://r.example/a', 'http://[::1', 'NETWORK', /no URL/],
])('%s → %j is refused', async (url, location, code, message) => {
  const { outcome, requests } = await follow(url, location)
  expect(outcome).toMatchObject({ code, message: expect.stringMatching(message) })
  expect((outcome as Error).message).not.toContain('secret')
  expect(requests).toHaveLength(1)
})

test.each([
  '169.254.169.254',
  '[fe80::1]',
  '0.0.0.0',
  '[::]',
  '[::ffff:169.254.169.254]',
  '[::169.254.169.254]',
  '2852039166',
  '0xa9fea9fe',
  '[2002:a9fe:a9fe::]',
  '[64:ff9b::169.254.169.254]',
  '[::ffff:0:169.254.169.254]',
  '100.100.100.200',
  '[fd00:ec2::254]',
  '0.1.2.3',
])('a redirect to %s is refused, wherever it comes from', async (host) => {
  for (const from of ['http://r.example/a', 'http://127.0.0.1:5000/a', 'http://10.0.0.1/a']) {
    const { outcome, requests } = await follow(from, `http://${host}/latest/meta-data/`)
    expect(outcome).toMatchObject({ code: 'POLICY' })
    expect(requests).toHaveLength(1)
  }
})

test.each([
  '127.0.0.1',
  '127.1',
  'localhost',
  'LOCALHOST.',
  'a.localhost',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::127.0.0.1]',
  '[2002:7f00:1::]',
  '[64:ff9b::127.0.0.1]',
  '0x7f000001',
])('a redirect to %s is for registries on this machine only', async (host) => {
  expect((await follow('http://r.example/a', `http://${host}:9200/`)).outcome).toMatchObject({
    code: 'POLICY',
  })
  expect((await follow('http://10.0.0.1/a', `http://${host}:9200/`)).outcome).toMatchObject({
    code: 'POLICY',
  })
  expect((await follow('http://localhost:5000/a', `http://${host}:9200/`)).outcome).toMatchObject({
    status: 200,
  })
})

test.each([
  '10.0.0.5',
  '192.168.1.1',
  '[fd00::1]',
  '[2001:db8::1]',
  'localhost.evil.com',
  '127.0.0.1.nip.io',
])('a redirect to %s is followed', async (host) => {
  expect((await follow('http://r.example/a', `http://${host}/b`)).outcome).toMatchObject({ status: 200 })
})

test('a redirect of a loopback registry to elsewhere and back to loopback is fine', async () => {
  const { outcome } = await follow('http://127.0.0.1:5000/a', 'http://r.example/b', 'http://127.0.0.1:5001/c')
  expect(outcome).toMatchObject({ status: 200 })
})

test('what is posted to a token server does not follow a redirect', async () => {
  const { transport, requests } = fakeNetwork(to('https://r.example/b'))
  const post = {
    ...get('https://r.example/token'),
    method: 'POST',
    purpose: 'token',
    body: 'refresh_token=secret',
  } as const
  await expect(followRedirects()(transport)(post)).rejects.toMatchObject({ code: 'POLICY' })
  expect(requests).toHaveLength(1)
})

test('a failure behind a redirect says who sent us there, and stays as worth a retry as it was', async () => {
  const failure = toNetworkError(codedError('ECONNRESET', 'reset'), {
    url: new URL('https://cdn.example'),
    purpose: 'blob',
  })
  const { transport } = fakeNetwork(to('https://cdn.example/b'), failure)
  const error = await followRedirects()(transport)(get('https://r.example/a')).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({
    code: 'NETWORK',
    message: expect.stringMatching(/cdn\.example.*\(r\.example redirected there\)/),
  })
  expect(retryClass(error)).toBe('transient')
})

describe('the address that a redirect comes from decides whether it may lead into a private network', () => {
  const from = async (address: string | undefined, location: string) => {
    const { transport, requests } = fakeNetwork({ ...to(location), address }, { status: 200 })
    const outcome = await followRedirects()(transport)(get('https://r.example/a')).catch(
      (error: unknown) => error,
    )
    return { outcome, asked: requests.length }
  }

  test.each([
    ['203.0.113.5', 'https://10.0.0.7/b'],
    ['2001:db8::5', 'https://192.168.1.7:9000/b'],
    ['203.0.113.5', 'https://[fd00::7]/b'],
    ['203.0.113.5', 'https://[::ffff:10.0.0.7]/b'],
  ])('%s may not lead to %s', async (address, location) => {
    const { outcome, asked } = await from(address, location)
    expect(outcome).toMatchObject({
      code: 'POLICY',
      message: expect.stringContaining('inside a private network'),
    })
    expect(asked).toBe(1)
  })

  test.each([
    ['10.0.0.1', 'https://10.0.0.7/b'],
    ['::ffff:192.168.0.1', 'https://10.0.0.7/b'],
    ['127.0.0.1', 'https://10.0.0.7/b'],
    ['203.0.113.5', 'https://203.0.113.7/b'],
    ['203.0.113.5', 'https://minio.example/b'],
    [undefined, 'https://10.0.0.7/b'],
  ])('%s may lead to %s', async (address, location) => {
    expect(await from(address, location)).toMatchObject({ outcome: { status: 200 }, asked: 2 })
  })
})
