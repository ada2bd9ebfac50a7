import { loginPage, status } from '../answers.ts'
import { chunked, fin, gzipCoding, longer, shorter, strangeCoding, withHeaders, wrongBytes } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import { kept } from '../left.ts'

const half = 0.5
const pulled = 'manifest config layer'
const misnamed = withHeaders({ 'docker-content-digest': `sha256:${'0'.repeat(64)}` })
const cutShort = status(200, '{"schemaVersion": 2,', { 'content-type': 'application/json' })

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
  ...(
    [
      ['manifest', 'cut off, and yet a whole answer', cutShort, /not valid JSON/],
      ['manifest', 'not the one that its header names', misnamed, /named another digest/],
      ['manifest@digest', 'other bytes than its digest says', wrongBytes(), /sent something else/],
      ['config', 'cut off, and yet a whole answer', shorter, /has \d+ bytes for blob/],
      ['config', 'other bytes than its digest says', wrongBytes(), /is corrupt/],
    ] as const
  ).flatMap(([what, words, fault, says]): FaultRow[] => {
    const at = what === 'config' ? what : 'manifest'
    const image = what === 'manifest@digest' ? { byDigest: true } : {}
    const before = at === 'config' ? 'manifest ' : ''
    return [
      {
        fault: `a ${what} that is ${words}, once: asked for once more`,
        ...image,
        at,
        meet: [fault],
        exitCode: 0,
        asks: `${before}${what} ${what} ${at === 'config' ? 'layer' : 'config layer'}`,
      },
      {
        fault: `a ${what} that is ${words}, for ever: asked for once more, not oftener`,
        ...image,
        at,
        forever: fault,
        args: ['--retries', '6'],
        exitCode: 6,
        says,
        asks: `${before}${what} ${what}`,
      },
    ]
  }),
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
  },
  {
    fault: 'a wrong last byte for ever',
    forever: wrongBytes(90_000),
    exitCode: 6,
    says: /is corrupt/,
    asks: `${pulled} layer`,
  },
  {
    fault: 'more bytes than promised, and the headers say so',
    forever: longer({ admits: true }),
    exitCode: 6,
    says: /has \d+ bytes for blob .*; the manifest promises \d+/,
    asks: pulled,
  },
  {
    fault: 'more bytes than promised, and nothing says so',
    tls: 'both',
    forever: longer({ admits: false }),
    exitCode: 6,
    says: /is longer than the \d+ bytes that its manifest promises/,
    asks: `${pulled} layer`,
  },
  {
    fault: 'a rest that is longer than promised, and nothing says so: the layer is fetched once more',
    tls: 'both',
    meet: [fin(half), longer({ admits: false })],
    exitCode: 0,
    asks: `${pulled} layer+ layer`,
  },
  {
    fault: 'fewer bytes than promised, and the headers say so',
    forever: shorter,
    exitCode: 6,
    says: /has \d+ bytes for blob .*; the manifest promises \d+/,
    asks: pulled,
  },
]

/** What comes is coded, called or made in another way than it should be. */
export const contentRows: readonly FaultRow[] = [...codings, ...contents]
