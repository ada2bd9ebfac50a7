import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { DrayError } from '../errors.ts'
import { type Digest, digestAlgorithm, finishDigest } from '../oci/digest.ts'
import { fileError } from '../streams/file-error.ts'
import { mismatch } from '../streams/verify.ts'

/** Where the content of a layer goes, piece by piece, at once: a piece may be overwritten after it. */
export interface LayerSink {
  write(piece: Uint8Array): void
  /** Says that this was all. Throws INTEGRITY when it is not the right content. */
  end(): void
}

/** The place of a layer in an archive. Plain data. */
export interface LayerPlace {
  /** Names the layer in messages. */
  readonly what: string
  /** The archive, an open file, and what it is called in messages. */
  readonly archive: number
  readonly path: string
  /** Where in the archive the content begins, in bytes. */
  readonly position: number
  /** Of the content. */
  readonly digest: Digest
}

/** Hashes what comes and writes it to its place. `onWritten` is told after every piece how long it was. Throws FILE. */
export function sinkToArchive(place: LayerPlace, onWritten: (size: number) => void): LayerSink {
  const algorithm = digestAlgorithm(place.digest)
  const hash = createHash(algorithm)
  let size = 0
  return {
    write(piece) {
      hash.update(piece)
      writeFully(place, piece, place.position + size)
      size += piece.length
      onWritten(piece.length)
    },
    end() {
      const problem = mismatch(place, { digest: finishDigest(hash, algorithm), size }, place.what)
      if (problem) throw problem
    },
  }
}

/** However little the system takes at a time. */
function writeFully({ archive, path }: LayerPlace, piece: Uint8Array, position: number): void {
  const action = `write ${path} after ${position} bytes`
  let written = 0
  while (written < piece.length) {
    const count = writeSome(archive, piece.subarray(written), position + written, action)
    if (count === 0) throw new DrayError('FILE', `cannot ${action}: the system takes no more`)
    written += count
  }
}

function writeSome(file: number, piece: Uint8Array, position: number, action: string): number {
  try {
    return writeSync(file, piece, 0, piece.length, position)
  } catch (error) {
    throw fileError(action, error)
  }
}
