import { setFlagsFromString } from 'node:v8'

/**
 * Sends a request, and spares a short process the second, optimizing compilation of undici's parser of HTTP heads, which is
 * WebAssembly and compiled for the first answer: a fifth of the CPU time and up to a quarter of the memory of a small pull.
 */
export async function compileParserOnce<T>(nodeVersion: string, send: () => Promise<T>): Promise<T> {
  if (isCompiled || Number.parseInt(nodeVersion, 10) > lastKnown) return send()
  tierUp(false)
  try {
    const answer = await send()
    isCompiled = true
    return answer
  } finally {
    // Under flags of ours, V8 would not take what Node brings compiled of its own modules; each thread would compile them.
    tierUp(true)
  }
}

let isCompiled = false

/** Of a flag that it does not know, V8 complains on stderr. */
const lastKnown = 26

function tierUp(isWanted: boolean): void {
  for (const flag of ['wasm-tier-up', 'wasm-dynamic-tiering']) {
    setFlagsFromString(isWanted ? `--${flag}` : `--no-${flag}`)
  }
}
