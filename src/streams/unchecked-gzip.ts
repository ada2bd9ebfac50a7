import { type Decoder, deflateDecoder, gzipDecoder, surplus } from './decoders.ts'

/**
 * For gzip (RFC 1952) whose content is compared with a digest anyway: the checksum of the first member, and most data has no other,
 * is not computed, which would take a twelfth of the time. Its length is looked at. Further members are left to zlib, and so is
 * data whose first piece does not hold the whole header.
 */
export function uncheckedGzipDecoder(): Decoder {
  const deflated = deflateDecoder()
  let size = 0
  let trailer = Buffer.alloc(0)
  let gzip: Decoder | undefined

  const begin = (piece: Buffer): Buffer[] => {
    const length = headerLength(piece)
    if (length === undefined) return handOver(piece)
    take = inflate
    return inflate(piece.subarray(length))
  }
  const inflate = (piece: Buffer): Buffer[] => {
    const { decoded, read } = deflated.write(piece)
    for (const { length } of decoded) size += length
    if (read === piece.length) return decoded
    take = finish
    return [...decoded, ...finish(piece.subarray(read))]
  }
  const finish = (piece: Buffer): Buffer[] => {
    const missing = trailerLength - trailer.length
    trailer = Buffer.concat([trailer, piece.subarray(0, missing)])
    if (trailer.length < trailerLength) return []
    if (trailer.readUInt32LE(4) !== size % 2 ** 32) throw new Error('incorrect length check')
    const rest = piece.subarray(missing)
    if (rest.length === 0) return []
    // As zlib does it within one stream: anything else may become a member yet.
    if (rest[0] === 0) throw surplus
    return handOver(rest)
  }
  const handOver = (piece: Buffer): Buffer[] => {
    gzip = gzipDecoder()
    take = gzip.push
    return gzip.push(piece)
  }
  let take = begin

  return {
    copies: true,
    push: (piece) => take(piece),
    end() {
      if (gzip) return gzip.end()
      if (trailer.length < trailerLength) throw new Error('unexpected end of file')
      return []
    },
    close() {
      deflated.close()
      gzip?.close()
    },
  }
}

/** Of every member, with the one kind of compression that there is (RFC 1952 section 2.3.1). */
const magic = 0x1f8b08
/** A checksum, and the size. */
const trailerLength = 8
const flags = { extra: 4, name: 8, comment: 16 }

/** Undefined where it goes on beyond the piece, or is of an unusual kind. */
function headerLength(piece: Buffer): number | undefined {
  if (piece.length < 12 || piece.readUIntBE(0, 3) !== magic) return undefined
  const set = piece.readUInt8(3)
  if (set & ~(flags.extra | flags.name | flags.comment)) return undefined
  let length = set & flags.extra ? 12 + piece.readUInt16LE(10) : 10
  for (const text of [flags.name, flags.comment]) {
    if ((set & text) === 0) continue
    length = piece.indexOf(0, length) + 1
    if (length === 0) return undefined
  }
  return length < piece.length ? length : undefined
}
