/** Numbers from 0 to 1 that look like chance and are the same every time for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Text of so many bytes that gzip makes three times smaller, out of short matches: what it costs to inflate is what a
 * layer of programs and libraries costs. Long runs of one thing would be inflated at the speed of memory.
 */
export function writeProse(size: number, random: () => number): Buffer {
  const vocabulary = Array.from({ length: 4000 }, () => makeWord(random))
  const lines: string[] = []
  for (let length = 0; length < size; ) {
    const line = repeats(lines, random) ?? makeLine(vocabulary, random)
    lines.push(line)
    length += line.length
  }
  return Buffer.from(lines.join('')).subarray(0, size)
}

function makeWord(random: () => number): string {
  const letters = 'etaoinshrdlucmfwypvbgkjqxz'
  const length = 2 + Math.floor(random() * 9)
  return Array.from({ length }, () => letters[Math.floor(random() ** 1.5 * letters.length)]).join('')
}

/** Now and then, one of the last lines again. */
function repeats(lines: readonly string[], random: () => number): string | undefined {
  return random() < 0.22 ? lines.at(-1 - Math.floor(random() * 200)) : undefined
}

function makeLine(vocabulary: readonly string[], random: () => number): string {
  const words = Array.from(
    { length: 4 + Math.floor(random() * 12) },
    () => vocabulary[Math.floor(random() ** 3 * vocabulary.length)],
  )
  return `${words.join(' ')}\n`
}
