import zlib from 'node:zlib'
import { Decompress } from 'fzstd'
import { Gunzip, InflateRaw, type ZlibOptions, ZstdDecompress } from 'minizlib'
import { DrayError } from '../errors.ts'

/** Turns compressed bytes into others, at once. */
export interface Decoder {
  /** Whether what it hands out is no part of its own memory. */
  readonly copies: boolean
  push(piece: Buffer): Buffer[]
  end(): Buffer[]
  /** Lets go of its memory. */
  close(): void
}

/** zlib's own 16 KiB would cost more than half of the speed. To be copied: minizlib adds to what it is given. */
const zlibOptions: ZlibOptions & { readonly chunkSize: number } = { chunkSize: 256 * 1024 }

/** For gzip of any number of members. */
export function gzipDecoder(): Decoder {
  return zlibDecoder(new Gunzip({ ...zlibOptions }))
}

/** For what gzip wraps (RFC 1951): one member. */
export function deflateDecoder(): SyncZlib {
  return syncZlib(new InflateRaw({ ...zlibOptions }))
}

/** For zstd of any number of frames. Node has it since 22.15; before that JavaScript does it, more slowly. `what` names the data in messages. */
export function zstdDecoder(what: string): ZstdDecoder {
  return 'createZstdDecompress' in zlib ? nativeZstdDecoder() : fzstdDecoder(what)
}

export interface ZstdDecoder extends Decoder {
  /** That it can look back on, in bytes. */
  readonly maxWindow: number
  /** Whether it is to be spared crumbs. */
  readonly wantsPortions?: boolean
  /** To be told of every block, with the window of its frame. */
  readonly onBlock?: (window: number) => void
}

/** What follows the last member of gzip data, and is none. */
export const surplus = new Error('incorrect header check')

function zlibDecoder(stream: Gunzip | ZstdDecompress): Decoder {
  const { write, end, close } = syncZlib(stream)
  return {
    copies: true,
    push(piece) {
      const { decoded, read } = write(piece)
      // zlib passes over what follows the last member and begins with a zero; container engines do not.
      if (read < piece.length) throw surplus
      return decoded
    },
    end,
    close,
  }
}

export interface SyncZlib {
  /** `read` is how much of this piece was taken: all of it but what comes after the end. */
  write(piece: Buffer): { readonly decoded: Buffer[]; readonly read: number }
  end(): Buffer[]
  close(): void
}

/** One of minizlib's streams, to be called and to answer at once. */
function syncZlib(stream: Gunzip | InflateRaw | ZstdDecompress): SyncZlib {
  let decoded: Buffer[] = []
  let problem: unknown
  stream.on('data', (bytes: Buffer) => decoded.push(bytes))
  stream.on('error', (error: unknown) => {
    problem = error
  })
  const take = () => {
    if (problem) throw problem
    const taken = decoded
    decoded = []
    return taken
  }
  return {
    write(piece) {
      stream.write(piece)
      return { decoded: take(), read: stream.handle?.bytesWritten ?? 0 }
    },
    end() {
      stream.end()
      return take()
    },
    close: () => stream.close(),
  }
}

function nativeZstdDecoder(): ZstdDecoder {
  return { ...zlibDecoder(new ZstdDecompress({ ...zlibOptions })), maxWindow: 2 ** 27 }
}

/** fzstd is wrong beyond 32 MiB, its maximum window, and checks no checksums: the diffID does. */
function fzstdDecoder(what: string): ZstdDecoder {
  let pieces: Buffer[] = []
  let moved = 0
  let decoded = 0
  const decoder = new Decompress(({ buffer, byteOffset, byteLength }) => {
    pieces.push(Buffer.from(buffer, byteOffset, byteLength))
  })
  const push = (piece: Uint8Array, isLast: boolean) => {
    pieces = []
    decoder.push(piece, isLast)
    decoded += pieces.reduce((sum, { length }) => sum + length, 0)
    if (moved > 2 ** 33 + 2048 * decoded) throw tooSlow(what)
    return pieces
  }
  return {
    copies: false,
    maxWindow: 2 ** 25,
    // It begins anew with what it has of a block whenever there is more of it: crumbs would take it for ever.
    wantsPortions: true,
    // It moves its whole window for every block, however small.
    onBlock: (window) => {
      moved += window
    },
    push: (piece) => push(piece, false),
    end: () => push(new Uint8Array(), true),
    close() {},
  }
}

function tooSlow(what: string): DrayError {
  return new DrayError('UNSUPPORTED', `${what} is zstd in blocks that are too small for its window`, {
    hint: 'Node.js 22.15 and newer can unpack it',
  })
}
