import type { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { pull } from '../pull.ts'
import { type Environment, processEnvironment } from './environment.ts'
import type { TextStream } from './progress/display.ts'

/** What the command line talks to; tests stand in for it. */
export interface Surroundings {
  readonly env: Environment
  /** Opened only when something is to be read from it. */
  readonly stdin: () => Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & TextStream
  readonly signals: Pick<EventEmitter, 'on' | 'off'>
  /** Ends the process at once; without a code, with the one that was set. */
  readonly exit: (exitCode?: number) => void
  /** The network and everything under it is loaded when there is something to pull. */
  readonly loadPull: () => Promise<{ readonly pull: typeof pull }>
}

/** The process that this code runs in. */
export function processSurroundings(): Surroundings {
  return {
    env: processEnvironment,
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    exit: (exitCode) => process.exit(exitCode),
    loadPull: () => import('../pull.ts'),
  }
}
