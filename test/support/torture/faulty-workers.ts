import { mkdtempSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import threads, { type WorkerOptions } from 'node:worker_threads'
import { buildSync } from 'esbuild'

/** From now on, calls are counted and fail in every new worker as well. Gives back a function that undoes it. */
export function makeWorkersFaulty(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'dray-torture-preload-'))
  const preload = join(directory, 'preload.cjs')
  buildSync({
    entryPoints: ['test/support/torture/preload.ts'],
    outfile: preload,
    bundle: true,
    platform: 'node',
    format: 'cjs',
  })
  const { Worker } = threads
  threads.Worker = class extends Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      super(file, { ...options, execArgv: [...(options.execArgv ?? []), '--require', preload] })
    }
  }
  syncBuiltinESMExports()
  return () => {
    threads.Worker = Worker
    syncBuiltinESMExports()
    rmSync(directory, { recursive: true, force: true })
  }
}
