import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { geteuid } from 'node:process'

/** Where in a directory of the user's somebody else can have put something before. */
export interface Trap {
  readonly path: string
  /** A file elsewhere that nobody may change. */
  readonly victim: string
}

/** What can lie there; each makes it. */
export const traps: Readonly<Record<string, (trap: Trap) => void>> = {
  'a link to a file': ({ path, victim }) => symlinkSync(victim, path),
  'a link to nowhere': ({ path, victim }) => symlinkSync(`${victim}.new`, path),
  'a link to itself': ({ path }) => symlinkSync(path, path),
  'a link to a directory': ({ path, victim }) => symlinkSync(dirname(victim), path),
  'a link to a device': ({ path }) => symlinkSync('/dev/full', path),
  'a hard link to a file': ({ path, victim }) => void execFileSync('ln', [victim, path]),
  'a FIFO': ({ path }) => void execFileSync('mkfifo', [path]),
  'a directory': ({ path }) => void mkdirSync(join(path, 'in it'), { recursive: true }),
  'a file that nobody may read': ({ path }) => writeFileSync(path, 'x', { mode: 0o000 }),
  'a socket': ({ path }) => {
    // The file of a socket outlives a server that ends without closing it.
    const script = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, 9))'
    spawnSync(process.execPath, ['-e', script, basename(path)], { cwd: dirname(path) })
  },
  ...(geteuid?.() === 0 && {
    'a device': ({ path }: Trap) => void execFileSync('mknod', [path, 'c', '1', '7']),
  }),
}
