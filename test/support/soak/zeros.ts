import { createHash } from 'node:crypto'
import { constants, crc32, deflateRawSync } from 'node:zlib'
import type { BuiltLayer } from '../image-builder.ts'
import type { Handler } from '../serve.ts'

const mebibyte = Buffer.alloc(2 ** 20)

/** A layer of so many MiB of zeros, as it is and compressed; neither is ever in memory as a whole. */
export interface ZeroLayers {
  /** A thousandth of its size. */
  readonly gzip: BuiltLayer
  /** Its blob is not here; `serveZeros` sends it. */
  readonly plain: BuiltLayer
}

export function makeZeroLayers(mebibytes: number): ZeroLayers {
  const hash = createHash('sha256')
  let checksum = 0
  for (let i = 0; i < mebibytes; i++) {
    hash.update(mebibyte)
    checksum = crc32(mebibyte, checksum)
  }
  const size = mebibytes * mebibyte.length
  const diffId = `sha256:${hash.digest('hex')}`
  const blob = gzipOfZeros(mebibytes, checksum)
  const plainType = 'application/vnd.docker.image.rootfs.diff.tar'
  const tar = Buffer.alloc(0)
  return {
    gzip: { tar, blob, diffId, digest: digestOf(blob), mediaType: `${plainType}.gzip` },
    plain: { tar, blob: tar, diffId, digest: diffId, mediaType: plainType, size },
  }
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** One member (RFC 1952): a block that refers to nothing before it can stand there as often as one likes. */
function gzipOfZeros(mebibytes: number, checksum: number): Buffer {
  const header = Buffer.from('1f8b0800000000000003', 'hex')
  const block = deflateRawSync(mebibyte, { level: 9, finishFlush: constants.Z_FULL_FLUSH })
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(checksum, 0)
  trailer.writeUInt32LE((mebibytes * mebibyte.length) % 2 ** 32, 4)
  const end = deflateRawSync(Buffer.alloc(0))
  return Buffer.concat([header, ...Array<Buffer>(mebibytes).fill(block), end, trailer])
}

/** Sends a plain layer of zeros, and leaves everything else to the next handler. */
export function serveZeros({ digest, size = 0 }: BuiltLayer, next: Handler): Handler {
  return async (request, response) => {
    if (!request.url?.endsWith(digest)) return next(request, response)
    response.writeHead(200, { 'content-length': size, 'docker-content-digest': digest })
    await pourZeros(response, size)
  }
}

/** Writes until nobody reads any more, or for so many bytes. */
export async function pourZeros(response: Parameters<Handler>[1], bytes: number): Promise<void> {
  let wake = () => {}
  response.on('drain', () => wake()).on('close', () => wake())
  for (let left = bytes; left > 0 && !response.destroyed; left -= mebibyte.length) {
    if (response.write(mebibyte.subarray(0, left))) continue
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
  response.end()
}
