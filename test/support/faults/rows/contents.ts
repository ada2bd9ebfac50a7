import { loginPage, onTheWire } from '../answers.ts'
import { chunked, fin, gzipCoding, longer, shorter, strangeCoding, withHeaders, wrongBytes } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import { empty, kept } from '../left.ts'

const half = 0.5
const pulled = 'manifest config layer'

const codings: readonly FaultRow[] = [
  ...(['manifest', 'layer'] as const).flatMap((at): FaultRow[] => [
    { fault: `a gzip coding of a ${at}: undone`, at, meet: [gzipCoding], exitCode: 0, asks: pulled },
    {
      fault: `a gzip coding of a ${at} that is none: what came is taken`,
      at,
      meet: [withHeaders({ 'content-encoding': 'gzip' })],
      exitCode: 0,
      asks: pulled,
    },
    { fault: `a ${at} whose length is not told: taken`, at, meet: [chunked], exitCode: 0, asks: pulled },
  ]),
  {
    fault: 'a coding of a layer that nobody knows',
    forever: strangeCoding,
    exitCode: 5,
    says: /coded as|coding/,
    asks: pulled,
    keeps: empty,
  },
  ...['text/plain', 'application/octet-stream', 'application/json; charset=utf-8', undefined].map(
    (type): FaultRow => ({
      fault: `a manifest that is called ${type ?? 'nothing'}: seen for what it is`,
      at: 'manifest',
      meet: [withHeaders({ 'content-type': type })],
      exitCode: 0,
      asks: pulled,
    }),
  ),
  ...(['manifest', 'config', 'layer'] as const).map(
    (at): FaultRow => ({
      fault: `a login page in place of a ${at}`,
      at,
      forever: loginPage,
      exitCode: 5,
      says: /got a web page \(title: Please log in\) instead of registry data/,
      asks: pulled.slice(0, pulled.indexOf(at) + at.length),
      ...(at === 'layer' && { keeps: empty }),
    }),
  ),
  {
    fault: 'a login page in the middle of a layer: what came is kept',
    meet: [fin(half)],
    forever: loginPage,
    exitCode: 5,
    says: /got a web page/,
    asks: `${pulled} layer+`,
    keeps: kept,
  },
  {
    fault: 'a manifest that is cut off, and yet a whole answer',
    at: 'manifest',
    forever: onTheWire(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{"schemaVersion": 2,',
    ),
    exitCode: 6,
    says: /not valid JSON/,
    asks: 'manifest',
  },
  {
    fault: 'a Warning header: told',
    at: 'manifest',
    meet: [withHeaders({ warning: '299 - "this registry closes on Friday"' })],
    exitCode: 0,
    says: /warning: .*this registry closes on Friday/,
    asks: pulled,
  },
]

const contents: readonly FaultRow[] = [
  {
    fault: 'wrong bytes once: the layer is fetched once more',
    tls: 'both',
    meet: [wrongBytes(half)],
    exitCode: 0,
    asks: `${pulled} layer`,
  },
  {
    fault: 'wrong bytes for ever: none are kept',
    tls: 'both',
    forever: wrongBytes(half),
    exitCode: 6,
    says: /is corrupt: its digest is sha256:[0-9a-f]{64}, not sha256:[0-9a-f]{64}/,
    asks: `${pulled} layer`,
    keeps: empty,
  },
  {
    fault: 'a wrong last byte for ever',
    forever: wrongBytes(90_000),
    exitCode: 6,
    says: /is corrupt/,
    asks: `${pulled} layer`,
    keeps: empty,
  },
  {
    fault: 'more bytes than promised, and the headers say so',
    forever: longer({ admits: true }),
    exitCode: 6,
    says: /has \d+ bytes for blob .*; the manifest promises \d+/,
    asks: pulled,
    keeps: empty,
  },
  {
    fault: 'more bytes than promised, and nothing says so',
    tls: 'both',
    forever: longer({ admits: false }),
    exitCode: 6,
    says: /is longer than the \d+ bytes that its manifest promises/,
    asks: pulled,
    keeps: kept,
  },
  {
    fault: 'fewer bytes than promised, and the headers say so',
    forever: shorter,
    exitCode: 6,
    says: /has \d+ bytes for blob .*; the manifest promises \d+/,
    asks: pulled,
    keeps: empty,
  },
  {
    fault: 'a wrong config',
    at: 'config',
    forever: wrongBytes(),
    exitCode: 6,
    says: /is corrupt/,
    asks: 'manifest config',
  },
  {
    fault: 'a manifest that is not the one that its header names',
    at: 'manifest',
    forever: withHeaders({ 'docker-content-digest': `sha256:${'0'.repeat(64)}` }),
    exitCode: 6,
    says: /named another digest/,
    asks: 'manifest',
  },
]

/** What comes is coded, called or made in another way than it should be. */
export const contentRows: readonly FaultRow[] = [...codings, ...contents]
