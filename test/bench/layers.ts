import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { constants, crc32, deflateRawSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { randomFrom, writeProse } from './prose.ts'

/** A gzip'ed layer; its bytes are a list of shared pieces, so that 500 MB of it take no memory. */
export interface Layer {
  readonly pieces: readonly Buffer[]
  readonly digest: string
  readonly size: number
  readonly diffId: string
  readonly unpackedSize: number
}

/** One file of a tar, and the same as part of a deflate stream that can be joined with others in any order. */
interface Piece {
  readonly tar: Buffer
  readonly deflated: Buffer
}

/** Bytes of a piece before it is deflated. */
const pieceSize = 1_048_576

/** Makes layers of so many MiB unpacked, a third of that packed; the same seed gives the same layer. */
export async function layerMaker(pieceCount = 48): Promise<(seed: number, mebibytes: number) => Layer> {
  const pieces: Piece[] = []
  for (let index = 0; index < pieceCount; index++) pieces.push(await makePiece(index))
  return (seed, mebibytes) => {
    const random = randomFrom(seed)
    const length = Math.max(1, Math.round((mebibytes * 1_048_576) / pieceSize))
    const chosen = Array.from({ length }, () => pieces[Math.floor(random() * pieceCount)] as Piece)
    return describe([...chosen, end])
  }
}

const end: Piece = { tar: Buffer.alloc(1024), deflated: deflateRawSync(Buffer.alloc(1024)) }

async function makePiece(index: number): Promise<Piece> {
  const content = writeProse(pieceSize - 512, randomFrom(index))
  const archive = pack()
  archive.entry({ name: `data/file-${index}`, mtime: new Date(0) }, content)
  archive.finalize()
  const tar = (await buffer(archive)).subarray(0, pieceSize)
  // A full flush ends at a byte, and what follows refers to nothing before it.
  return { tar, deflated: deflateRawSync(tar, { finishFlush: constants.Z_FULL_FLUSH }) }
}

function describe(chosen: readonly Piece[]): Layer {
  const unpacked = createHash('sha256')
  let checksum = 0
  let unpackedSize = 0
  for (const { tar } of chosen) {
    unpacked.update(tar)
    checksum = crc32(tar, checksum)
    unpackedSize += tar.length
  }
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(checksum, 0)
  trailer.writeUInt32LE(unpackedSize % 2 ** 32, 4)
  const pieces = [gzipHeader, ...chosen.map(({ deflated }) => deflated), trailer]
  const packed = createHash('sha256')
  for (const piece of pieces) packed.update(piece)
  return {
    pieces,
    digest: `sha256:${packed.digest('hex')}`,
    size: pieces.reduce((sum, { length }) => sum + length, 0),
    diffId: `sha256:${unpacked.digest('hex')}`,
    unpackedSize,
  }
}

const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
