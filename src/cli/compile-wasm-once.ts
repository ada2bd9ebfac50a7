import { setFlagsFromString } from 'node:v8'

/**
 * Spares a short process the second, optimizing compilation of WebAssembly, of which there is the parser of HTTP heads only:
 * on Node 20 a fifth of the CPU time and a quarter of the memory of a small pull. From Node 24 on, V8 does better by itself.
 */
export function compileWasmOnce(nodeVersion: string): void {
  if (Number.parseInt(nodeVersion, 10) < 24) setFlagsFromString('--liftoff-only')
}
