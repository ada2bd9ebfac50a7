import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** In bytes. */
const oftenEnough = 512 * 1024

/**
 * Counts buffers that are of no more use, and frees them before there are many. V8 by itself lets 32 MiB of them pile up
 * in each thread, for they lie outside its heap; used again while the processor still has them at hand, they are faster too.
 */
export function createCollector(): (size: number) => void {
  setFlagsFromString('--expose-gc')
  const collect: (options: { type: 'minor' }) => void = runInNewContext('gc')
  let garbage = 0
  return (size) => {
    garbage += size
    if (garbage < oftenEnough) return
    garbage = 0
    collect({ type: 'minor' })
  }
}
