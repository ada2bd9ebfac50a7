import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { systemErrorCode } from '../errors.ts'
import { abortError } from '../http/network-error.ts'

export interface RunOptions {
  /** What it reads from stdin. */
  readonly input: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** In milliseconds. */
  readonly timeout: number
  /** How much it may write to stdout, in bytes. */
  readonly limit: number
  readonly signal?: AbortSignal | undefined
}

/** How a program came to its end. */
export type Ending =
  | {
      readonly how: 'ended'
      /** Null when a signal ended it. */
      readonly exitCode: number | null
      readonly stdout: string
      /** The beginning of it. */
      readonly stderr: string
    }
  /** The code is Node's, such as `EACCES`. */
  | { readonly how: 'not started'; readonly code: string }
  | { readonly how: 'too slow' }
  | { readonly how: 'too much' }

/**
 * Runs a program without a shell, and ends it when it takes too long or writes too much. Whoever else holds its pipes is
 * not waited for. Rejects with ABORTED.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Ending> {
  if (options.signal?.aborted) throw abortError(options.signal)
  const child = start(file, args, options.env)
  if (typeof child === 'string') return { how: 'not started', code: child }
  // A program that does not read its stdin closes it in our face.
  child.stdin.on('error', () => {}).end(options.input)
  return watch(child, options).finally(() => release(child))
}

/** The running program, or Node's code for why there is none; some of these come as an event instead. */
function start(
  file: string,
  args: readonly string[],
  env: RunOptions['env'],
): ChildProcessWithoutNullStreams | string {
  try {
    return spawn(file, args, { env, stdio: 'pipe', shell: false, windowsHide: true })
  } catch (error) {
    return systemErrorCode(error) ?? String(error)
  }
}

/** What a program that has ended wrote is in its pipes; one that it started may keep them open for good. */
const drainTime = 500
const stderrLimit = 4096

function watch(child: ChildProcessWithoutNullStreams, options: RunOptions): Promise<Ending> {
  const { timeout, limit, signal } = options
  let abort = () => {}
  let alarm: NodeJS.Timeout | undefined
  const ending = new Promise<Ending>((resolve, reject) => {
    const stdout = collect(child.stdout, limit, () => resolve({ how: 'too much' }))
    const stderr = collect(child.stderr, stderrLimit)
    const finish = (exitCode: number | null) =>
      resolve({ how: 'ended', exitCode, stdout: stdout(), stderr: stderr() })
    child
      .on('error', (error) => resolve({ how: 'not started', code: systemErrorCode(error) ?? error.message }))
      .on('exit', (exitCode) => setTimeout(finish, drainTime, exitCode).unref())
      .on('close', finish)
    alarm = setTimeout(() => resolve({ how: 'too slow' }), timeout)
    abort = () => signal && reject(abortError(signal))
    signal?.addEventListener('abort', abort)
  })
  return ending.finally(() => {
    clearTimeout(alarm)
    signal?.removeEventListener('abort', abort)
  })
}

/** Gathers the beginning of a stream, and reads on, so that the program is not held up. */
function collect(stream: Readable, limit: number, onExcess = () => {}): () => string {
  const chunks: Buffer[] = []
  let length = 0
  stream
    .on('error', () => {})
    .on('data', (chunk: Buffer) => {
      if (length < limit) chunks.push(chunk)
      length += chunk.length
      if (length > limit) onExcess()
    })
  return () => Buffer.concat(chunks).subarray(0, limit).toString()
}

/** Nothing of it keeps us busy from here on. */
function release(child: ChildProcessWithoutNullStreams): void {
  child.kill('SIGKILL')
  for (const stream of child.stdio) stream?.destroy()
  child.unref()
}
