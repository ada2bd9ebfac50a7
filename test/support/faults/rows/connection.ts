import { says, silent } from '../../../unit/http/raw-server.ts'
import { onTheWire, redirect, status } from '../answers.ts'
import { drip, inDrops, silence, stall, withHeaders } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import { kept } from '../left.ts'
import { http2Only, tlsRegistry } from '../stand-ins.ts'

const half = 0.5
const impatient = ['--timeout', '2']

const stalls: readonly FaultRow[] = [
  {
    fault: 'a layer that stops coming: goes on from there',
    tls: 'both',
    args: impatient,
    meet: [stall(half)],
    exitCode: 0,
    says: /the server 127\.0\.0\.1 stopped sending/,
    asks: 'manifest config layer layer+',
  },
  {
    fault: 'a layer that stops coming, and whose rest never comes: what came is kept',
    args: impatient,
    meet: [stall(half)],
    forever: stall(0),
    exitCode: 5,
    says: /broke off, 2 times without progress: the server 127\.0\.0\.1 stopped sending/,
    asks: 'manifest config layer layer+',
    keeps: kept,
  },
  {
    fault: 'a layer of which a byte drips now and then: goes on from there',
    tls: 'both',
    args: impatient,
    meet: [drip(half)],
    exitCode: 0,
    says: /the server 127\.0\.0\.1 sent too slowly: less than 1 KiB\/s over 4 s/,
    asks: 'manifest config layer layer+',
  },
  {
    fault: 'a layer of which bytes drip for ever: given up, and what came is kept',
    args: impatient,
    forever: drip(0),
    exitCode: 5,
    says: /broke off, 2 times without progress: the server 127\.0\.0\.1 sent too slowly[\s\S]*try: what has arrived is kept/,
    asks: 'manifest config layer layer+',
    keeps: kept,
  },
  ...(['manifest', 'token'] as const).map(
    (at): FaultRow => ({
      fault: `a ${at} that drips: asked for again`,
      args: impatient,
      ...(at === 'token' && { tokens: {} }),
      at,
      meet: [drip(half)],
      exitCode: 0,
      says: /(registry|token server) 127\.0\.0\.1 sent too slowly/,
      asks: `manifest ${at === 'token' ? 'token token ' : ''}manifest config layer`,
    }),
  ),
  {
    fault: 'a layer that comes in drops, and yet in time',
    args: impatient,
    layer: { small: 'a few bytes' },
    meet: [inDrops],
    exitCode: 0,
    asks: 'manifest config layer',
  },
  {
    fault: 'a manifest that stops coming: asked for again',
    args: impatient,
    at: 'manifest',
    meet: [stall(half)],
    exitCode: 0,
    says: /stopped sending/,
    asks: 'manifest manifest config layer',
  },
  {
    fault: 'a token that stops coming: asked for again',
    args: impatient,
    tokens: {},
    at: 'token',
    meet: [stall(half)],
    exitCode: 0,
    says: /stopped sending/,
    asks: 'manifest token token manifest config layer',
  },
  {
    fault: 'a registry that takes the request and says nothing',
    args: impatient,
    at: 'manifest',
    forever: silence,
    exitCode: 5,
    says: /the registry 127\.0\.0\.1 took the request and did not answer in time/,
    asks: 'manifest manifest',
  },
  {
    fault: 'a storage that takes the request and says nothing, once',
    args: ['--timeout', '0.6'],
    storage: true,
    at: 'layer@storage',
    meet: [silence],
    exitCode: 0,
    says: /the server 127\.0\.0\.1 took the request and did not answer in time/,
    asks: 'manifest config layer layer@storage layer layer@storage',
  },
  {
    fault: 'a server that takes connections and says nothing',
    args: impatient,
    connection: silent,
    exitCode: 5,
    says: /the registry 127\.0\.0\.1 took the request and did not answer in time/,
    asks: 2,
  },
  {
    fault: 'a server that takes connections and says nothing (TLS)',
    args: impatient,
    tls: 'server',
    connection: silent,
    exitCode: 5,
    says: /no connection to the registry 127\.0\.0\.1: it did not answer in time/,
    asks: 2,
  },
]

const others: readonly FaultRow[] = [
  {
    fault: 'a host that there is not: looked for twice',
    image: 'registry.invalid/app:1',
    exitCode: 5,
    says: /\(1\/1\)[\s\S]*dray: the registry registry\.invalid was not found: there is no such host name/,
    asks: '',
  },
  {
    fault: 'a name server that is not sure',
    image: 'unsure.invalid/app:1',
    exitCode: 5,
    says: /\(1\/1\)[\s\S]*the name of the registry unsure\.invalid could not be looked up/,
    asks: '',
  },
  {
    fault: 'a storage that there is not',
    forever: redirect(307, 'http://storage.invalid/x?signature=s3cret'),
    exitCode: 5,
    says: /the server storage\.invalid was not found: .* \(127\.0\.0\.1 redirected there\)/,
    asks: 'manifest config layer layer',
  },
  {
    fault: 'a token server that there is not',
    at: 'manifest',
    forever: status(401, '', { 'www-authenticate': 'Bearer realm="http://auth.invalid/token"' }),
    exitCode: 5,
    says: /the token server auth\.invalid was not found/,
    asks: 'manifest root',
  },
  {
    fault: 'a port where nobody listens',
    image: '127.0.0.1:1/app:1',
    args: ['--retries', '6'],
    exitCode: 5,
    says: /\(2\/2\)[\s\S]*the registry 127\.0\.0\.1:1 refused the connection/,
    asks: '',
  },
  {
    fault: 'two addresses where nobody listens: both are named',
    image: 'both.example:1/app:1',
    args: ['--retries', '0'],
    exitCode: 5,
    says: /refused the connection \(tried ::1, 127\.0\.0\.1\)/,
    asks: '',
  },
  {
    fault: 'an address that leads nowhere, and another one that does not',
    image: 'nowhere-by-6.example:PORT/app:1',
    exitCode: 0,
    asks: 'manifest config layer',
  },
  {
    fault: 'a registry that has an IPv6 address only',
    address: '::1',
    exitCode: 0,
    asks: 'manifest config layer',
  },
  {
    fault: 'a server that speaks another protocol',
    connection: says('SSH-2.0-OpenSSH_9.2\r\n'),
    exitCode: 5,
    says: /answered, but not in valid HTTP/,
    asks: 1,
  },
  {
    fault: 'a server that speaks another protocol (TLS)',
    tls: 'server',
    connection: says('SSH-2.0-OpenSSH_9.2\r\n'),
    trust: ['--ca', 'FIXTURES/ca.crt'],
    exitCode: 5,
    says: /answered, but not in valid HTTP/,
    asks: 2,
  },
  {
    fault: 'a server that speaks TLS, asked without',
    standIn: tlsRegistry({}),
    exitCode: 5,
    says: /closed the connection too early[\s\S]*try: .*if it speaks TLS, leave out --plain-http/,
    asks: 2,
  },
  {
    fault: 'a server that speaks TLS, asked without, and says so as TLS does',
    connection: says('\x15\x03\x01\x00\x02\x02\x46'),
    exitCode: 8,
    says: /speaks TLS, and was asked in plain http[\s\S]*try: leave out --plain-http/,
    asks: 1,
  },
  {
    fault: 'a server that speaks TLS, asked without, and says so in http',
    at: 'manifest',
    forever: status(400, 'Client sent an HTTP request to an HTTPS server.\n'),
    exitCode: 8,
    says: /speaks TLS, and was asked in plain http[\s\S]*try: leave out --plain-http/,
    asks: 'manifest',
  },
  {
    fault: 'a server that speaks no TLS, asked for it',
    trust: ['--insecure'],
    image: 'nowhere-by-6.example:PORT/app:1',
    exitCode: 8,
    says: /does not speak TLS[\s\S]*try: .*add --plain-http/,
    asks: '',
  },
  {
    fault: 'a server that speaks HTTP/2 only',
    standIn: http2Only,
    trust: ['--ca', 'FIXTURES/ca.crt'],
    exitCode: 8,
    says: /HTTP\/2/,
    asks: 2,
  },
]

const ok = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

/** Answers that HTTP does not allow, some of which have been used to smuggle others. */
const noHttp: readonly FaultRow[] = [
  ...(
    [
      ['a header line that ends in a line feed only', `HTTP/1.1 200 OK\ncontent-length: 2\n\n{}`],
      ['a negative length', `${ok}content-length: -2\r\n\r\n{}`],
      ['two lengths', `${ok}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
      ['a length beyond all numbers', `${ok}content-length: 99999999999999999999\r\n\r\n{}`],
      [
        'a length of a chunked body',
        `${ok}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      ],
      ['a chunk whose size is no number', `${ok}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
      ['a control character in a header', `${ok}x: a\x00b\r\ncontent-length: 2\r\n\r\n{}`],
    ] as const
  ).map(
    ([words, text]): FaultRow => ({
      fault: `${words}: no HTTP, and not asked again`,
      at: 'manifest',
      forever: onTheWire(text),
      exitCode: 5,
      says: /answered, but not in valid HTTP/,
      asks: 'manifest',
    }),
  ),
  {
    fault: 'more headers than anyone needs',
    tls: 'both',
    at: 'manifest',
    forever: withHeaders({ 'x-long': 'x'.repeat(70_000) }),
    exitCode: 5,
    says: /answered with more headers than dray accepts/,
    asks: 'manifest',
  },
  {
    fault: 'many headers, yet not too many',
    at: 'manifest',
    forever: withHeaders({ 'x-long': 'x'.repeat(40_000) }),
    exitCode: 0,
    asks: 'manifest config layer',
  },
]

/** The connection stalls, is never made, or to someone who speaks otherwise. */
export const connectionRows: readonly FaultRow[] = [...stalls, ...others, ...noHttp]
