import { builtinModules } from 'node:module'

/** What most commands never need, and what takes long to load. */
const late = ['child_process', 'dns/promises', 'http', 'tls', 'v8', 'vm', 'worker_threads', 'zlib']

/**
 * Loads Node's own modules when the code that wants them runs, not when the bundle is opened: `--help` pays for no TLS.
 * It also spares CommonJS packages inside the bundle a `require`, which an ES module does not have.
 * @type {import('esbuild').Plugin}
 */
export const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad, initialOptions }) {
    onResolve({ filter: /./ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '')
      const isBuiltin = path !== name || builtinModules.includes(name)
      if (!isBuiltin) return undefined
      const isLate = initialOptions.format === 'cjs' && late.includes(name)
      if (kind === 'import-statement' && name !== 'process' && !isLate) {
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
  if (late.some((name) => path === `node:${name}`)) {
    // What is made of it for `import` keeps its prototype, and nothing else of it.
    return `module.exports = Object.create(new Proxy({}, {
      get: (_, name) => ${builtin}[name],
      has: (_, name) => name in ${builtin},
    }))`
  }
  return `
    const builtin = ${builtin}
    if (!builtin) throw Object.assign(new Error('no module ${path} in this Node'), { code: 'MODULE_NOT_FOUND' })
    module.exports = builtin`
}
