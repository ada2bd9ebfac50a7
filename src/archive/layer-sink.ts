import { createHash } from 'node:crypto'
import { writevSync } from 'node:fs'
import { DrayError } from '../errors.ts'
import { type Digest, digestAlgorithm, finishDigest } from '../oci/digest.ts'
import { fileError } from '../streams/file-error.ts'
import { dropBytes } from '../streams/file-sink.ts'
import { mismatch } from '../streams/verify.ts'

/** Where the content of a layer goes, some pieces at a time, at once: they may be overwritten after it. */
export interface LayerSink {
  /** Returns their size in bytes. */
  write(pieces: readonly Uint8Array[]): number
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

/** Hashes what comes and writes it to its place. `onWritten` is told after every write how much it was, in bytes. Throws FILE. */
export function sinkToArchive(place: LayerPlace, onWritten: (size: number) => void): LayerSink {
  const algorithm = digestAlgorithm(place.digest)
  const hash = createHash(algorithm)
  let size = 0
  return {
    write(pieces) {
      for (const piece of pieces) hash.update(piece)
      const written = writeFully(place, pieces, place.position + size)
      size += written
      onWritten(written)
      return written
    },
    end() {
      const problem = mismatch(place, { digest: finishDigest(hash, algorithm), size }, place.what)
      if (problem) throw problem
    },
  }
}

/** However little the system takes at a time. */
function writeFully({ archive, path }: LayerPlace, pieces: readonly Uint8Array[], position: number): number {
  const action = `write ${path} after ${position} bytes`
  let written = 0
  let rest = pieces.filter(({ length }) => length > 0)
  while (rest.length > 0) {
    const count = writeSome(archive, rest, position + written, action)
    if (count === 0) throw new DrayError('FILE', `cannot ${action}: the system takes no more`)
    written += count
    rest = dropBytes(rest, count)
  }
  return written
}

function writeSome(file: number, pieces: Uint8Array[], position: number, action: string): number {
  try {
    return writevSync(file, pieces, position)
  } catch (error) {
    throw fileError(action, error)
  }
}
