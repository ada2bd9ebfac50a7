import { chunkedCut, closeAfter, closeBefore, closeDelimitedCut, fin, reset, resetBefore } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import { kept } from '../left.ts'

const half = 0.5

const cuts = [
  ['is reset in the middle of the layer', reset(half)],
  ['is closed before the end of the layer', fin(half)],
  ['is closed in the middle of a chunked layer', chunkedCut(half)],
  ['ends a layer of unknown length too early', closeDelimitedCut(half)],
] as const

/** A connection ends too early. */
export const breakRows: readonly FaultRow[] = [
  ...cuts.flatMap(([words, cut]): FaultRow[] => [
    {
      fault: `a connection that ${words}: the layer goes on from there`,
      tls: 'both',
      meet: [cut],
      exitCode: 0,
      says: /retrying in .* \(1\/1\): the server 127\.0\.0\.1 closed the connection too early/,
      asks: 'manifest config layer layer+',
    },
    {
      fault: `a connection that ${words}, and again whenever it is asked: what came is kept`,
      tls: 'both',
      meet: [cut],
      forever: resetBefore,
      exitCode: 5,
      says: /^dray: blob [0-9a-f]{12} of app broke off after \d+ bytes: the server 127\.0\.0\.1 closed the connection too early[\s\S]*try: what has arrived is kept: the same command goes on from there/m,
      asks: 'manifest config layer layer+ layer+',
      keeps: kept,
    },
  ]),
  {
    fault:
      'a connection that is closed eight times, each time a little later: the count of tries begins anew',
    meet: Array.from({ length: 8 }, () => fin(8 * 1024)),
    exitCode: 0,
    asks: `manifest config layer ${Array(8).fill('layer+').join(' ')}`,
  },
  {
    fault: 'a connection that is closed after each byte: that is no progress',
    forever: fin(1),
    exitCode: 5,
    says: /broke off, 2 times without progress/,
    asks: 'manifest config layer layer+',
    keeps: kept,
  },
  {
    fault: 'a layer whose body never begins: given up after as many tries as allowed',
    args: ['--retries', '2'],
    forever: fin(0),
    exitCode: 5,
    says: /broke off, 3 times without progress/,
    asks: 'manifest config layer layer layer',
  },
  {
    fault: 'a manifest that breaks off: asked for again',
    at: 'manifest',
    meet: [fin(half)],
    exitCode: 0,
    asks: 'manifest manifest config layer',
  },
  {
    fault: 'a manifest that breaks off for ever',
    tls: 'both',
    at: 'manifest',
    forever: reset(half),
    exitCode: 5,
    says: /closed the connection too early/,
    asks: 'manifest manifest',
  },
  {
    fault: 'a config that breaks off: asked for again',
    at: 'config',
    meet: [reset(half)],
    exitCode: 0,
    asks: 'manifest config config layer',
  },
  {
    fault: 'a token that breaks off: asked for again',
    tokens: {},
    at: 'token',
    meet: [reset(half)],
    exitCode: 0,
    asks: 'manifest token token manifest config layer',
  },
  {
    fault: 'a connection that is reset instead of an answer: asked again',
    tls: 'both',
    at: 'manifest',
    meet: [resetBefore],
    exitCode: 0,
    asks: 'manifest manifest config layer',
  },
  {
    fault: 'a connection that is closed instead of an answer, for ever',
    tls: 'both',
    at: 'manifest',
    forever: closeBefore,
    exitCode: 5,
    says: /the registry 127\.0\.0\.1 closed the connection too early/,
    asks: 'manifest manifest',
  },
  {
    fault: 'a connection that is closed after each answer: nobody notices',
    tls: 'both',
    at: 'config',
    forever: closeAfter,
    exitCode: 0,
    asks: 'manifest config layer',
  },
]
