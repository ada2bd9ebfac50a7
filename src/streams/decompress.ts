import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { countGarbage } from './collect-garbage.ts'

/**
 * The uncompressed bytes of a layer as a stream; fails as `inflate` does, and with what the source fails with. Destroying it
 * destroys the source.
 */
export function decompress(source: Readable, what: string): Readable {
  const output = new PassThrough({
    highWaterMark: 1024 * 1024,
    destroy(error, done) {
      source.destroy()
      done(error)
    },
  })
  const inflated = (chunks: AsyncIterable<Buffer>) => inflateLazily(chunks, what)
  pipeline(source, inflated, output).catch((error) => output.destroy(error))
  return output
}

/** Whoever only asks for the version need not load the decoders. */
async function* inflateLazily(chunks: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  const { inflate } = await import('./inflate.ts')
  for await (const chunk of inflate(chunks, what)) {
    yield chunk
    countGarbage(chunk.length)
  }
}
