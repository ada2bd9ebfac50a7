import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { failure, type Meeting, meetNothing } from './meeting.ts'
import type { SharedFaults } from './shared-faults.ts'

type Call = (...args: unknown[]) => unknown
type Calls = Record<string, Call>

/** By path: in promises, with a callback, and with `Sync`. */
const pathCalls = [
  ...['access', 'chmod', 'chown', 'copyFile', 'cp', 'lchown', 'link', 'lstat', 'lutimes', 'mkdir', 'mkdtemp'],
  ...['opendir', 'readdir', 'readFile', 'readlink', 'realpath', 'rename', 'rm', 'rmdir', 'stat', 'statfs'],
  ...['symlink', 'truncate', 'unlink', 'utimes', 'writeFile', 'appendFile'],
]
/** By file descriptor: with a callback, and with `Sync`. */
const descriptorCalls = [
  ...['read', 'readv', 'write', 'writev', 'fstat', 'fsync', 'fdatasync', 'ftruncate'],
  ...['fchmod', 'fchown', 'futimes'],
]
/** Of a file handle. */
const handleCalls = [
  ...['read', 'readv', 'write', 'writev', 'stat', 'sync', 'datasync', 'truncate', 'chmod', 'chown', 'utimes'],
  ...['readFile', 'writeFile', 'appendFile'],
]

/**
 * Puts functions into `node:fs` and `node:fs/promises` that count their calls and let happen what `faults` decides; to
 * those as well who have imported them before. Gives back a function that undoes it.
 */
export function makeCallsFaulty(faults: SharedFaults): () => void {
  const paths = new Map<number, string>()
  const undo: (() => void)[] = []

  const replace = (owner: object, name: string, wrap: (original: Call) => Call) => {
    const calls = owner as Calls
    const original = calls[name]
    if (!original) return
    const faulty = wrap(original)
    // Streams ask `fs.read` and others for what promisify is to make of them.
    Object.defineProperties(faulty, Object.getOwnPropertyDescriptors(original))
    calls[name] = faulty
    undo.push(() => {
      calls[name] = original
    })
  }
  const meetByPath = (operation: string) => (args: unknown[]) => {
    const path = args.slice(0, 2).find((arg) => isBelow(faults.root, arg)) ?? pathOfFile(args[0])
    return path === undefined ? meetNothing(args) : failure({ faults, operation, path: String(path), args })
  }
  const meetByDescriptor = (operation: string) => (args: unknown[]) => {
    const path = pathOfFile(args[0])
    const [file, ...rest] = args
    if (path === undefined) return meetNothing(args)
    const met = failure({ faults, operation, path, args: rest })
    return { ...met, args: [file, ...met.args] }
  }
  const pathOfFile = (file: unknown) =>
    typeof file === 'number' && faults.isOpen(file) ? (paths.get(file) ?? `file ${file}`) : undefined
  const onOpened = (fd: number, path: unknown) => {
    if (!isBelow(faults.root, path)) return
    paths.set(fd, path)
    faults.setOpen(fd, true)
  }
  const onClosed = (fd: unknown) => typeof fd === 'number' && faults.setOpen(fd, false)

  const { promises } = fs
  for (const name of pathCalls) {
    const meet = meetByPath(name)
    replace(promises, name, (original) => promised(original, meet))
    replace(fs, name, (original) => withCallback(original, meet))
    replace(fs, `${name}Sync`, (original) => synchronous(original, meet))
  }
  for (const name of descriptorCalls) {
    const meet = meetByDescriptor(name.replace(/^f/, ''))
    replace(fs, name, (original) => withCallback(original, meet))
    replace(fs, `${name}Sync`, (original) => synchronous(original, meet))
  }

  const meetOpen = (args: unknown[]) => meetByPath(makesFile(args[1]) ? 'create' : 'open')(args)
  replace(promises, 'open', (original) => async (...args) => {
    const handle = (await promised(original, meetOpen)(...args)) as FileHandle
    if (isBelow(faults.root, args[0])) watch(handle, args[0])
    return handle
  })
  replace(fs, 'open', (original) => {
    const opened: Call = (...args) => {
      const done = args.pop() as Call
      original(...args, (error: unknown, fd: number) => {
        if (!error) onOpened(fd, args[0])
        done(error, fd)
      })
    }
    return withCallback(opened, meetOpen)
  })
  replace(fs, 'openSync', (original) => (...args) => {
    const fd = synchronous(original, meetOpen)(...args) as number
    onOpened(fd, args[0])
    return fd
  })

  const meetClose = meetByDescriptor('close')
  const closing =
    (original: Call): Call =>
    (...args) => {
      onClosed(args[0])
      return original(...args)
    }
  replace(fs, 'close', (original) => withCallback(closing(original), meetClose))
  replace(fs, 'closeSync', (original) => synchronous(closing(original), meetClose))

  function watch(handle: FileHandle, path: string): void {
    const { fd } = handle
    onOpened(fd, path)
    const calls = handle as unknown as Calls
    const meetAs = (operation: string) => (args: unknown[]) => failure({ faults, operation, path, args })
    for (const name of handleCalls) {
      const original = calls[name]?.bind(handle)
      if (original) calls[name] = promised(original, meetAs(name))
    }
    const close = handle.close.bind(handle)
    const closeOnce = promised(() => {
      onClosed(fd)
      return close()
    }, meetAs('close'))
    // Streams close it once more when it is closed, which no system call is made for.
    calls.close = () => (handle.fd === -1 ? close() : closeOnce())
  }

  syncBuiltinESMExports()
  return () => {
    for (const step of undo) step()
    syncBuiltinESMExports()
  }
}

function isBelow(root: string, path: unknown): path is string {
  return (
    typeof path === 'string' && (path === root || path.startsWith(`${root}/`) || path.startsWith(`${root}\\`))
  )
}

function makesFile(flags: unknown): boolean {
  return typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : /[wa]/.test(String(flags ?? 'r'))
}

type Meet = (args: unknown[]) => Meeting

function promised(original: Call, meet: Meet): Call {
  return async (...given) => {
    const { args, error, isDone } = meet(given)
    const result = isDone ? await original(...args) : undefined
    if (error) throw error
    return result
  }
}

function withCallback(original: Call, meet: Meet): Call {
  return (...given) => {
    const done = given.pop() as Call
    const { args, error, isDone } = meet(given)
    if (!error) return original(...args, done)
    const fail = () => done(error)
    return isDone ? original(...args, fail) : setImmediate(fail)
  }
}

function synchronous(original: Call, meet: Meet): Call {
  return (...given) => {
    const { args, error, isDone } = meet(given)
    const result = isDone ? original(...args) : undefined
    if (error) throw error
    return result
  }
}
