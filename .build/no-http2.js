/**
 * Leaves out of undici what speaks HTTP/2, which no server is offered here, and with it Node's own HTTP/2, which takes
 * longer to load than everything else that undici wants.
 * @type {import('esbuild').Plugin}
 */
export const noHttp2 = {
  name: 'no-http2',
  setup({ onLoad }) {
    onLoad({ filter: /undici[\\/]lib[\\/]dispatcher[\\/]client-h2\.js$/ }, () => ({ contents }))
  },
}

const contents = `module.exports = () => { throw new Error('the server was not offered HTTP/2') }`
