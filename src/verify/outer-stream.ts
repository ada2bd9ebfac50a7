import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import { DrayError, isDrayError, systemErrorCode } from '../errors.ts'
import { type Digest, finishDigest } from '../oci/digest.ts'
import { type Compression, detectCompression } from '../streams/compression.ts'
import { decompress } from '../streams/decompress.ts'
import { fileError } from '../streams/file-error.ts'

/** An archive as it lies there, compressed or not. */
export interface OuterStream {
  readonly compression: Compression
  /** What is in it. */
  readonly content: Readable
  /** Bytes read so far, as they lie there. */
  size(): number
  /** Of all bytes, as they lie there; to be asked for once, at the end. */
  digest(): Digest
  close(): void
}

export interface OuterOptions {
  readonly name: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Looks through the compression of an archive: gzip, zstd or none, by its first bytes. Throws FILE when it cannot be read or
 * is compressed in another way.
 */
export async function openOuter(source: Readable, { name, signal }: OuterOptions): Promise<OuterStream> {
  if (signal?.aborted) {
    // A file that is being opened still may fail to.
    source.on('error', () => {}).destroy()
    throw signal.reason
  }
  const hash = createHash('sha256')
  let size = 0
  const raw = new Transform({
    highWaterMark: 1024 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const stop = () => raw.destroy(new Error('stopped'))
  signal?.addEventListener('abort', stop, { once: true })
  pipeline(source, raw, () => signal?.removeEventListener('abort', stop))
  const compression = await detectCompression(raw).catch((error) => {
    throw readError(error, { name, signal })
  })
  if (compression === 'xz' || compression === 'bzip2') {
    source.destroy()
    throw new DrayError(
      'FILE',
      `cannot read ${name}: it is compressed with ${compression}, which dray does not read`,
      {
        hint: `unpack it on the way: ${compression} -dc ${name === '-' ? '' : `${name} `}| dray verify -`,
      },
    )
  }
  const content = compression === 'none' ? raw : decompress(raw, 'the archive')
  return {
    compression,
    content,
    size: () => size,
    digest: () => finishDigest(hash, 'sha256'),
    close() {
      content.destroy()
      source.destroy()
    },
  }
}

/** What a failed read means: FILE, unless it is about the content, or the caller has had enough. */
export function readError(error: unknown, { name, signal }: OuterOptions): unknown {
  if (signal?.aborted) return signal.reason
  if (systemErrorCode(error) === 'ENOENT') {
    return new DrayError('FILE', `cannot read ${name}: there is no such file`, { cause: error })
  }
  if (systemErrorCode(error) === 'EISDIR') {
    const hint = `of a directory, the tar can be verified: tar -cf - -C ${name} . | dray verify -`
    return new DrayError('FILE', `cannot read ${name}: it is a directory`, { hint, cause: error })
  }
  return isDrayError(error) ? error : fileError(`read ${name}`, error)
}
