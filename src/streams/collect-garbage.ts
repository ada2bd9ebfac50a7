import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** In bytes: what was in use during two collections of what is young is freed only by one of all. */
const untilAll = 256 * 1024 * 1024

/**
 * Counts buffers that are of no more use, in bytes, and frees them when there are `most`. V8 by itself lets 32 MiB of them
 * pile up in each thread, for they lie outside its heap.
 */
export function createCollector(most: number): (size: number) => void {
  let garbage = 0
  let total = 0
  let collect: Collect | undefined
  return (size) => {
    garbage += size
    if (garbage < most) return
    total += garbage
    garbage = 0
    collect ??= exposeCollector()
    collect({ type: total < untilAll ? 'minor' : 'major' })
    if (total >= untilAll) total = 0
  }
}

/** For what has come through this thread: buffers from the network, and small layers. */
export const countGarbage: (size: number) => void = createCollector(8 * 1024 * 1024)

type Collect = (options: { type: 'minor' | 'major' }) => void

function exposeCollector(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
