import { constants } from 'node:os'
import type { FaultKind } from './fault.ts'
import type { SharedFaults } from './shared-faults.ts'

/** What a call comes to. */
export interface Meeting {
  readonly args: unknown[]
  /** What it fails with. */
  readonly error: Error | undefined
  /** Whether it is done nevertheless, with these arguments. */
  readonly isDone: boolean
}

export interface MetCall {
  readonly faults: SharedFaults
  readonly operation: string
  readonly path: string
  /** Without the file. */
  readonly args: unknown[]
}

export function meetNothing(args: unknown[]): Meeting {
  return { args, error: undefined, isDone: true }
}

/**
 * What is to become of a call. One that writes and fails has written half of it; one that closes a file has closed it, for
 * whoever is told of a failure can count on neither.
 */
export function failure({ faults, operation, path, args }: MetCall): Meeting {
  const kind = faults.next(operation, path)
  if (kind === undefined) return meetNothing(args)
  if (kind === 'short read' || kind === 'short write') return meetNothing(halve({ operation, path, args }))
  const error = systemError(kind, operation, path)
  if (operation === 'close') return { args, error, isDone: true }
  if (/^write/.test(operation)) return { args: halve({ operation, path, args }), error, isDone: true }
  return { args, error, isDone: false }
}

function systemError(
  code: Exclude<FaultKind, 'short read' | 'short write'>,
  syscall: string,
  path: string,
): Error {
  const errno = -constants.errno[code]
  return Object.assign(new Error(`${code}: made to fail, ${syscall} '${path}'`), {
    errno,
    code,
    syscall,
    path,
  })
}

/** Of a file with fewer bytes than that, half of what is asked for may be all. */
const mostRead = 96

/** The arguments for half of the bytes, but one at least, for none would mean the end. */
function halve({ operation, path, args }: Omit<MetCall, 'faults'>): unknown[] {
  const [content, second, length, position] = args
  if (operation === 'writeFile') {
    const name = content === path ? [content] : []
    const [text, ...options] = args.slice(name.length)
    return [...name, firstHalf(Buffer.from(text as string)), ...options]
  }
  if (Array.isArray(content)) return [halfOfAll(content), ...args.slice(1)]
  if (!ArrayBuffer.isView(content)) return args
  const options = { offset: second ?? 0, length, position, ...(typeof second === 'object' && second) }
  const offset = typeof options.offset === 'number' ? options.offset : 0
  const asked = typeof options.length === 'number' ? options.length : content.byteLength - offset
  const all = operation === 'read' ? Math.min(asked, mostRead) : asked
  return [content, offset, Math.ceil(all / 2), options.position ?? null]
}

function halfOfAll(buffers: readonly Uint8Array[]): Uint8Array[] {
  const all = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0)
  let left = Math.ceil(all / 2)
  return buffers.flatMap((buffer) => {
    const taken = Buffer.from(buffer.buffer, buffer.byteOffset, Math.min(left, buffer.byteLength))
    left -= taken.length
    return taken.length > 0 ? [taken] : []
  })
}

function firstHalf(bytes: Buffer): Buffer {
  return bytes.subarray(0, Math.ceil(bytes.length / 2))
}
