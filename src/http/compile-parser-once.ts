import { setFlagsFromString } from 'node:v8'

/**
 * Spares a short process the second, optimizing compilation of undici's parser of HTTP heads, which is WebAssembly: a fifth
 * of the CPU time and up to a quarter of the memory of a small pull. For a process that is ours alone: other WebAssembly
 * that is compiled before the first answer stays slow.
 */
export function compileParserOnce(nodeVersion: string): void {
  isToBeSpared = Number.parseInt(nodeVersion, 10) <= lastKnown
}

/** Sends a request; the answer to the first one has V8 compile the parser. */
export async function compileForAnswer<T>(send: () => Promise<T>): Promise<T> {
  if (!isToBeSpared) return send()
  tierUp(false)
  try {
    const answer = await send()
    isToBeSpared = false
    return answer
  } finally {
    // Under flags of ours, V8 would not take what Node brings compiled of its own modules; each thread would compile them.
    tierUp(true)
  }
}

let isToBeSpared = false

/** Of a flag that it does not know, V8 complains on stderr. */
const lastKnown = 26

function tierUp(isWanted: boolean): void {
  for (const flag of ['wasm-tier-up', 'wasm-dynamic-tiering']) {
    setFlagsFromString(isWanted ? `--${flag}` : `--no-${flag}`)
  }
}
