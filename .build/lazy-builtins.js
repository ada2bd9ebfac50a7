import { builtinModules } from 'node:module'

/**
 * Loads Node's own modules when the code that wants them runs, not when the bundle is opened: `--help` pays for no TLS.
 * It also spares CommonJS packages inside the bundle a `require`, which an ES module does not have.
 * @type {import('esbuild').Plugin}
 */
export const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '')
      const isBuiltin = path !== name || builtinModules.includes(name)
      if (!isBuiltin) return undefined
      if (kind === 'import-statement' && name !== 'process') {
        return { path: `node:${name}`, external: true, sideEffects: false }
      }
      return { path: `node:${name}`, namespace: 'builtin' }
    })
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: contentsOf(path) }))
  },
}

/** @param {string} path */
function contentsOf(path) {
  // Asking for it calls every getter that it has: all of stdin, net and dgram would be loaded.
  if (path === 'node:process') return 'module.exports = process'
  const builtin = `process.getBuiltinModule('${path}')`
  // The parser of the command line could start programs, and never does here.
  if (path === 'node:child_process') {
    return `module.exports = new Proxy({}, { get: (_, name) => ${builtin}[name] })`
  }
  return `
    const builtin = ${builtin}
    if (!builtin) throw Object.assign(new Error('no module ${path} in this Node'), { code: 'MODULE_NOT_FOUND' })
    module.exports = builtin`
}
