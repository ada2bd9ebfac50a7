import { builtinModules } from 'node:module'

/**
 * Loads Node's own modules when the code that wants them runs, not when the bundle is opened: `--help` pays for no TLS.
 * It also spares CommonJS packages inside the bundle a `require`, which an ES module does not have.
 * @type {import('esbuild').Plugin}
 */
export const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path }) => {
      const name = path.replace(/^node:/, '')
      const isBuiltin = path !== name || builtinModules.includes(name)
      return isBuiltin ? { path: `node:${name}`, namespace: 'builtin' } : undefined
    })
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `
        const builtin = process.getBuiltinModule('${path}')
        if (!builtin) throw Object.assign(new Error('no module ${path} in this Node'), { code: 'MODULE_NOT_FOUND' })
        module.exports = builtin`,
    }))
  },
}
