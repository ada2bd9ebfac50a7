// Loaded into dray before it runs: the names of the symptoms, and some that have troubles of their own.
import '../symptoms/names.mjs'
import dns from 'node:dns'

const { lookup } = dns

/** What a name resolves to. */
const addresses = {
  'both.example': ['::1', '127.0.0.1'],
  'nowhere-by-6.example': ['100::1', '127.0.0.1'],
}

dns.lookup = (name, options, done = options) => {
  if (name === 'unsure.invalid') {
    const error = new Error(`getaddrinfo EAI_AGAIN ${name}`)
    return void process.nextTick(done, Object.assign(error, { code: 'EAI_AGAIN', hostname: name }))
  }
  const found = addresses[name]?.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  if (!found || !options.all) return lookup(name, options, done)
  process.nextTick(done, null, found)
}
