import { contentRange, partAt, status, wholeForPart } from '../answers.ts'
import { fin, gzipCoding, shorter, withHeaders, wrongBytes } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import { kept } from '../left.ts'

const half = 0.5
const pulled = 'manifest config layer'

/** The rest of a layer is asked for, and something else comes. */
export const rangeRows: readonly FaultRow[] = [
  {
    fault: '200 in place of 206: the bytes that are known are skipped',
    tls: 'both',
    meet: [fin(half), wholeForPart],
    exitCode: 0,
    asks: `${pulled} layer+`,
  },
  ...(
    [
      ['that begins later', partAt(10)],
      ['that begins earlier', partAt(-10)],
      ['of a longer whole', contentRange((start, size) => `bytes ${start}-${size - 1}/${size + 5}`)],
      ['that ends beyond the whole', contentRange((start, size) => `bytes ${start}-${size + 4}/${size + 5}`)],
      ['that does not say which', contentRange(() => undefined)],
      ['of something else than bytes', contentRange((start, size) => `lines ${start}-${size - 1}/${size}`)],
      ['that ends before it begins', contentRange((start, size) => `bytes ${start}-${start - 1}/${size}`)],
      [
        'of many parts',
        withHeaders({ 'content-type': 'multipart/byteranges; boundary=x', 'content-range': undefined }),
      ],
    ] as const
  ).map(
    ([words, fault]): FaultRow => ({
      fault: `206 with a part ${words}: the whole is asked for`,
      meet: [fin(half), fault],
      exitCode: 0,
      asks: `${pulled} layer+ layer`,
    }),
  ),
  {
    fault: '206 with the right part and wrong bytes: the layer is fetched once more from its start',
    tls: 'both',
    meet: [fin(half), wrongBytes()],
    exitCode: 0,
    asks: `${pulled} layer+ layer`,
  },
  {
    fault: '206 that tells the right part and sends a shorter one',
    meet: [fin(half), shorter],
    exitCode: 0,
    asks: `${pulled} layer+ layer`,
  },
  {
    fault: '206 with a gzip coding of the part: the whole is asked for',
    meet: [fin(half), gzipCoding],
    exitCode: 0,
    asks: `${pulled} layer+ layer`,
  },
  {
    fault: '416 for the rest: the whole is asked for',
    tls: 'both',
    meet: [fin(half), status(416, '', { 'content-range': 'bytes */10' })],
    exitCode: 0,
    asks: `${pulled} layer+ layer`,
  },
  {
    fault: '416 for ever: what came is kept',
    meet: [fin(half)],
    forever: status(416),
    exitCode: 5,
    says: /answered 416/,
    asks: `${pulled} layer+ layer`,
    keeps: kept,
  },
  {
    fault: '412 for the rest, though nothing was made a condition: the whole is asked for',
    meet: [fin(half), status(412)],
    exitCode: 0,
    asks: `${pulled} layer+ layer`,
  },
]
