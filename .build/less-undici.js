const missing = [
  // No server is offered HTTP/2; Node's own, which it needs, takes longer to load than everything else that undici wants.
  { filter: /undici[\\/]lib[\\/]dispatcher[\\/]client-h2\.js$/, what: 'HTTP/2' },
  // Sends forms, for which it needs most of fetch.
  { filter: /undici[\\/]lib[\\/]web[\\/]fetch[\\/]body\.js$/, what: 'forms' },
]

/**
 * Leaves out of undici what is never asked of it here.
 * @type {import('esbuild').Plugin}
 */
export const lessUndici = {
  name: 'less-undici',
  setup({ onLoad, onResolve }) {
    for (const { filter, what } of missing) onLoad({ filter }, () => ({ contents: stubFor(what) }))
    // Of Node's own HTTP it wants to know whether a body is one of its requests.
    onResolve({ filter: /^node:http$/ }, ({ importer }) =>
      /undici[\\/]lib/.test(importer) ? { path: 'node:http', namespace: 'no-http' } : undefined,
    )
    onLoad({ filter: /./, namespace: 'no-http' }, () => ({ contents: 'exports.IncomingMessage = class {}' }))
  },
}

/** @param {string} what */
function stubFor(what) {
  return `module.exports = () => { throw new Error('this undici comes without ${what}') }
module.exports.extractBody = module.exports`
}
