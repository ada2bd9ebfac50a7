import { status } from '../answers.ts'
import { fin, reset } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import { kept } from '../left.ts'

const half = 0.5
const pulled = 'manifest config layer'
const reached = { errors: [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }] }
const date = 'Wed, 21 Oct 2026 07:28:00 GMT'

const limits: readonly FaultRow[] = [
  ...(
    [
      ['seconds', { 'retry-after': '1' }, /retrying in (1|1\.\d) s/],
      ['a date', { date, 'retry-after': 'Wed, 21 Oct 2026 07:28:01 GMT' }, /retrying in (1|1\.\d) s/],
      [
        'a date that is past',
        { date, 'retry-after': 'Wed, 21 Oct 2026 07:27:00 GMT' },
        /retrying in 0\.\d s/,
      ],
      ['0', { 'retry-after': '0' }, /retrying in 0\.\d s/],
      ['words', { 'retry-after': 'soon' }, /retrying in 0\.\d s/],
      ['nothing', {}, /retrying in 0\.\d s/],
    ] as const
  ).map(
    ([words, headers, says]): FaultRow => ({
      fault: `429, with ${words} for Retry-After: asked again in time`,
      at: 'manifest',
      meet: [status(429, reached, headers)],
      exitCode: 0,
      says,
      asks: `manifest ${pulled}`,
    }),
  ),
  {
    fault: '429 with Retry-After for a layer: waited for',
    tls: 'both',
    meet: [status(429, reached, { 'retry-after': '1' })],
    exitCode: 0,
    says: /answered 429/,
    asks: `${pulled} layer`,
  },
  {
    fault: '429 with Retry-After in the middle of a layer: goes on from there',
    meet: [fin(half), status(429, reached, { 'retry-after': '1' })],
    exitCode: 0,
    asks: `${pulled} layer+ layer+`,
  },
  {
    fault: '429 with a Retry-After of years: told when to come back, not asked again',
    at: 'manifest',
    args: ['--retries', '6'],
    forever: status(429, reached, { 'retry-after': '1000000000' }),
    exitCode: 9,
    says: /You have reached your pull rate limit[\s\S]*try again in 11575 days/,
    asks: 'manifest',
  },
  {
    fault: '429 for ever: told, with the words of the registry',
    at: 'manifest',
    forever: status(429, reached, { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' }),
    exitCode: 9,
    says: /limits how much may be pulled: 100 in 6 h, 0 left .*You have reached your pull rate limit/,
    asks: 'manifest manifest',
  },
]

const bad: readonly FaultRow[] = [
  ...[408, 500, 503, 504, 524].map(
    (code): FaultRow => ({
      fault: `${code} once, for a manifest: asked again`,
      at: 'manifest',
      meet: [status(code)],
      exitCode: 0,
      says: new RegExp(`answered ${code}`),
      asks: `manifest ${pulled}`,
    }),
  ),
  {
    fault: '503 once, for a layer: asked again',
    tls: 'both',
    meet: [status(503)],
    exitCode: 0,
    asks: `${pulled} layer`,
  },
  {
    fault: '503 in the middle of a layer: goes on from there',
    meet: [reset(half), status(503)],
    exitCode: 0,
    asks: `${pulled} layer+ layer+`,
  },
  {
    fault: '503 for ever in the middle of a layer: what came is kept',
    tls: 'both',
    meet: [fin(half)],
    forever: status(503, '<html><title>Down for maintenance</title></html>'),
    exitCode: 5,
    says: /answered 503 when asked for blob .* of app, with a web page \(title: Down for maintenance\)/,
    asks: `${pulled} layer+ layer+`,
    keeps: kept,
  },
  {
    fault: '500 for ever, with a megabyte of words: some are told',
    at: 'manifest',
    forever: status(500, `it broke ${'x'.repeat(1_000_000)}`),
    exitCode: 5,
    says: /^dray: 127\.0\.0\.1 answered 500 when asked for app:1 \(it broke x{10,300}…?\)$/m,
    asks: 'manifest manifest',
  },
  {
    fault: '500 for ever, with bytes that are no text',
    at: 'manifest',
    forever: status(500, '\x00\x01\x1b[2J\x9b', { 'content-type': 'application/octet-stream' }),
    exitCode: 5,
    says: /^[^\x00-\x09\x0b-\x1f\x9b]*answered 500[^\x00-\x09\x0b-\x1f\x9b]*$/,
    asks: 'manifest manifest',
  },
  ...[400, 405, 501].map(
    (code): FaultRow => ({
      fault: `${code} for a layer: not asked again`,
      forever: status(code),
      exitCode: code === 405 ? 3 : 5,
      says: /^dray: /m,
      asks: code === 405 ? `${pulled} root` : pulled,
    }),
  ),
  {
    fault: '404 for a manifest',
    at: 'manifest',
    forever: status(404, { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }),
    exitCode: 3,
    says: /has no app:1/,
    asks: 'manifest',
  },
  {
    fault: '404 for a config',
    at: 'config',
    forever: status(404),
    exitCode: 3,
    says: /^dray: .*blob/m,
    asks: 'manifest config root',
  },
  {
    fault: '404 in the middle of a layer: what came is kept',
    meet: [fin(half)],
    forever: status(404, { errors: [{ code: 'BLOB_UNKNOWN', message: 'blob unknown' }] }),
    exitCode: 3,
    says: /^dray: .*blob/m,
    asks: `${pulled} layer+`,
    keeps: kept,
  },
  {
    fault: '403 from the registry in the middle of a layer: what came is kept',
    meet: [fin(half)],
    forever: status(403, { errors: [{ code: 'DENIED', message: 'no more' }] }),
    exitCode: 4,
    says: /no more/,
    asks: `${pulled} layer+`,
    keeps: kept,
  },
]

/** The server says that something is wrong. */
export const statusRows: readonly FaultRow[] = [...limits, ...bad]
