import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Counts buffers that are of no more use, in bytes, and frees them when there are `most`. V8 by itself lets 32 MiB of them
 * pile up in each thread, for they lie outside its heap.
 */
export function createCollector(most: number): (size: number) => void {
  let garbage = 0
  let collect: Collect | undefined
  return (size) => {
    garbage += size
    if (garbage < most) return
    garbage = 0
    collect ??= exposeCollector()
    collect({ type: 'minor' })
  }
}

/** For what has come through this thread: buffers from the network, and small layers. */
export const countGarbage: (size: number) => void = createCollector(8 * 1024 * 1024)

type Collect = (options: { type: 'minor' }) => void

function exposeCollector(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
