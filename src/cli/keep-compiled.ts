import { statSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Environment, variable } from './environment.ts'

/**
 * Has Node, from 22.1 on, keep what it compiles of the modules that are loaded from now on, for the next run. NODE_COMPILE_CACHE
 * says where else, NODE_DISABLE_COMPILE_CACHE that not at all; where nothing can be written, nothing is kept, in silence.
 */
export function keepCompiled(env: Environment): void {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: (directory?: string) => unknown }
  if (!enableCompileCache || variable(env, 'NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE')) return
  const directory = cacheDirectory(env)
  if (directory !== undefined) enableCompileCache(join(directory, 'dray', 'compiled'))
}

/**
 * Node's own choice lies in the directory for temporary files, where anybody may have put code for us to run before we came.
 * Only a directory of this user's will do; with sudo, the home may be another's.
 */
function cacheDirectory(env: Environment): string | undefined {
  const home = homedir()
  if (process.platform === 'win32') return variable(env, 'LOCALAPPDATA')
  if (statSync(home, { throwIfNoEntry: false })?.uid !== process.getuid?.()) return undefined
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches')
  return variable(env, 'XDG_CACHE_HOME') ?? join(home, '.cache')
}
