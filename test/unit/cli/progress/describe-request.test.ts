import { expect, test } from 'vitest'
import { describeRequest } from '../../../../src/cli/progress/describe-request.ts'

const request = {
  type: 'request',
  method: 'GET',
  url: 'https://ghcr.io/v2/a/b/manifests/1',
  elapsed: 120,
  requestHeaders: { accept: 'x/y', authorization: '***' },
  responseHeaders: { 'content-type': 'x/y\u001b' },
} as const

test('a request is one line', () => {
  expect(describeRequest({ ...request, status: 200 }, { headers: false })).toEqual([
    'GET https://ghcr.io/v2/a/b/manifests/1 200 120 ms',
  ])
})

test('one without an answer tells why', () => {
  expect(describeRequest({ ...request, error: 'connection refused' }, { headers: false })).toEqual([
    'GET https://ghcr.io/v2/a/b/manifests/1 connection refused 120 ms',
  ])
})

test('headers of both sides follow, a line each', () => {
  expect(describeRequest({ ...request, status: 401 }, { headers: true })).toEqual([
    'GET https://ghcr.io/v2/a/b/manifests/1 401 120 ms',
    '  > accept: x/y',
    '  > authorization: ***',
    '  < content-type: x/y\\u{1b}',
  ])
})
