/** Reads a stream of bytes piece by piece. */
export interface ByteCursor {
  /** How many bytes have been read. */
  position(): number
  /** The next bytes, at most so many; none at the end. */
  next(most: number): Promise<Buffer>
  /** So many bytes in one piece; fewer only at the end. */
  exactly(count: number): Promise<Buffer>
}

export function openCursor(source: AsyncIterable<Buffer>): ByteCursor {
  const chunks = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  let position = 0

  async function next(most: number): Promise<Buffer> {
    while (rest.length === 0) {
      const { value, done } = await chunks.next()
      if (done) return rest
      rest = value
    }
    const piece = rest.subarray(0, most)
    rest = rest.subarray(piece.length)
    position += piece.length
    return piece
  }

  async function exactly(count: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let missing = count; missing > 0; ) {
      const piece = await next(missing)
      if (piece.length === 0) break
      pieces.push(piece)
      missing -= piece.length
    }
    return pieces.length === 1 ? (pieces[0] ?? rest) : Buffer.concat(pieces)
  }

  return { position: () => position, next, exactly }
}
