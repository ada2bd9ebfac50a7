import { statSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { keepInDirectory } from './compile-cache.ts'
import { type Environment, variable } from './environment.ts'

/**
 * Keeps what is compiled of the modules that are loaded from now on, for the next run: Node does from 22.1 on. NODE_COMPILE_CACHE
 * says where else, NODE_DISABLE_COMPILE_CACHE that not at all; where nothing can be written, nothing is kept, in silence.
 */
export function keepCompiled(env: Environment): void {
  if (variable(env, 'NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE')) return
  const parent = cacheDirectory(env)
  if (parent === undefined) return
  const directory = join(parent, 'dray', 'compiled')
  const { enableCompileCache } = nodeModule as { enableCompileCache?: (directory?: string) => unknown }
  if (enableCompileCache) enableCompileCache(directory)
  else keepInDirectory(directory, import.meta.url)
}

/**
 * Node's own choice lies in the directory for temporary files, where anybody may have put code for us to run before we came.
 * Only this user's places will do; with sudo, the variables may name another's.
 */
function cacheDirectory(env: Environment): string | undefined {
  if (process.platform === 'win32') return variable(env, 'LOCALAPPDATA')
  const home = homedir()
  const chosen = variable(env, 'XDG_CACHE_HOME')
  if (!isOwn(chosen ?? home)) return undefined
  return chosen ?? (process.platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache'))
}

function isOwn(directory: string): boolean {
  try {
    return statSync(directory).uid === process.getuid?.()
  } catch {
    return false
  }
}
