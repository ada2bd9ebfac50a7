import { loginPage, status } from '../answers.ts'
import { fin, reset, withHeaders } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import { kept } from '../left.ts'

const longAgo = new Date('2015-10-21T07:28:00Z')
const token = (body: object | string) => status(200, body, { 'content-type': 'application/json' })

/** The token server does not do what it should, or a token ends before the pull does. */
export const tokenRows: readonly FaultRow[] = [
  ...(
    [
      [
        '401',
        status(401, { details: 'incorrect username or password' }),
        4,
        /refused the login from DRAY_USERNAME \(401\): incorrect/,
      ],
      ['403', status(403, { errors: [{ code: 'DENIED', message: 'not you' }] }), 4, /\(403\): not you/],
      ['404', status(404), 5, /the token server 127\.0\.0\.1 answered 404/],
      ['a web page', loginPage, 5, /got a web page \(title: Please log in\) instead of a token/],
      ['no token', token({ expires_in: 300 }), 5, /holds no token/],
      ['an empty token', token({ token: '' }), 5, /holds no token/],
      ['a token with a line end', token({ token: 'a\r\nx: y' }), 5, /holds no token/],
      ['no JSON', token('{"token": "a'), 5, /holds no token/],
    ] as const
  ).map(
    ([words, fault, exitCode, says]): FaultRow => ({
      fault: `a token server that answers with ${words}`,
      tokens: {},
      at: 'token',
      forever: fault,
      exitCode,
      says,
      asks:
        exitCode === 4
          ? 'manifest token'
          : words === 'no JSON'
            ? 'manifest token token root'
            : 'manifest token root',
    }),
  ),
  {
    fault: 'a token that is cut off, and yet a whole answer, once: asked for once more',
    tokens: {},
    at: 'token',
    meet: [token('{"token": "a')],
    exitCode: 0,
    asks: 'manifest token token manifest config layer',
  },
  {
    fault: 'a token server that answers 503 once',
    tls: 'both',
    tokens: {},
    at: 'token',
    meet: [status(503)],
    exitCode: 0,
    asks: 'manifest token token manifest config layer',
  },
  {
    fault: 'a token server that answers 503 for ever',
    tokens: {},
    at: 'token',
    forever: status(503),
    exitCode: 5,
    says: /the token server 127\.0\.0\.1 answered 503/,
    asks: 'manifest token token root',
  },
  {
    fault: 'a token server that limits requests',
    tokens: {},
    at: 'token',
    forever: status(429, 'Too Many Requests', { 'retry-after': '3600' }),
    exitCode: 9,
    says: /try again in 60 min|1 h/,
    asks: 'manifest token',
  },
  {
    fault: 'a token that is called access_token',
    tokens: { field: 'access_token' },
    exitCode: 0,
    asks: 'manifest token manifest config layer',
  },
  {
    fault: 'a token of a server whose clock is years behind',
    tokens: {},
    at: 'token',
    meet: [
      ({ body, ...answer }, exchange) =>
        withHeaders({ date: longAgo.toUTCString(), 'content-length': undefined })(
          {
            ...answer,
            body: Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), issued_at: longAgo })),
          },
          exchange,
        ),
    ],
    exitCode: 0,
    asks: 'manifest token manifest config layer',
  },
  {
    fault: 'a token that is good for no time at all',
    tokens: { expiresIn: 0 },
    exitCode: 0,
    asks: 'manifest token manifest config layer',
  },
  {
    fault: 'a token that ends before the layer: another one is fetched',
    tls: 'both',
    tokens: { uses: 2 },
    exitCode: 0,
    asks: 'manifest token manifest config layer token layer',
  },
  {
    fault: 'a token that ends in the middle of a layer: the layer goes on from there',
    tls: 'both',
    tokens: { uses: 3 },
    meet: [reset(0.5)],
    exitCode: 0,
    asks: 'manifest token manifest config layer layer+ token layer+',
  },
  {
    fault: 'a token that ends in the middle of a layer, and no other one is to be had: what came is kept',
    tokens: { uses: 3 },
    at: 'layer',
    meet: [fin(0.5)],
    forever: status(401),
    exitCode: 4,
    says: /^dray: .*refused/m,
    asks: 'manifest token manifest config layer layer+ token layer+',
    keeps: kept,
  },
]
