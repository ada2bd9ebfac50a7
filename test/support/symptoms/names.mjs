// Loaded into dray before it runs: names that end in .example are this machine, names that end in .invalid are nobody's.
import dns from 'node:dns'

const { lookup, promises } = dns
const { lookup: lookupAll } = promises

dns.lookup = (name, options, done = options) => {
  if (/\.invalid$/.test(name)) {
    const error = new Error(`getaddrinfo ENOTFOUND ${name}`)
    return void process.nextTick(done, Object.assign(error, { code: 'ENOTFOUND', hostname: name }))
  }
  if (!/\.example$/.test(name)) return lookup(name, options, done)
  const found = { address: '127.0.0.1', family: 4 }
  const isList = typeof options === 'object' && options.all
  process.nextTick(done, null, ...(isList ? [[found]] : [found.address, found.family]))
}

promises.lookup = async (name, options) =>
  /\.example$/.test(name) ? [{ address: '127.0.0.1', family: 4 }] : lookupAll(name, options)
