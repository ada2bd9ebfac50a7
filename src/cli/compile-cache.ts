import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { crc32 } from 'node:zlib'

/**
 * Does for the files of the bundle, `.cjs`, what Node's own compile cache does from 22.1 on: what V8 compiled of them in this
 * run is kept in a directory, and the next run need not parse them. Where nothing can be written, nothing is kept, in silence.
 */
export function keepInDirectory(directory: string, bundle: string): void {
  const versions = join(directory, `${process.version}-${process.arch}`)
  const { extensions } = createRequire(bundle)
  extensions['.cjs'] = (module, filename) => {
    const source = readFileSync(filename)
    if (source.length < worthwhile) return extensions['.js']?.(module, filename)
    const sourceSum = crc32(source)
    const place = join(versions, sourceSum.toString(16))
    const wrapped = `(function (exports, require, module, __filename, __dirname) { ${source}\n})`
    const cachedData = readKept(place)
    const script = new Script(wrapped, { filename, ...(cachedData && { cachedData }) })
    if (!cachedData || script.cachedDataRejected) process.once('exit', () => keep(place, script))
    const run = script.runInThisContext()
    run.call(module.exports, module.exports, createRequire(filename), module, filename, dirname(filename))
  }
}

/** In bytes: less is compiled sooner than read. */
const worthwhile = 256 * 1024

const sumLength = 4

/** What was kept at a place, where that is whole: V8 itself would believe anything. */
function readKept(place: string): Buffer | undefined {
  try {
    const bytes = readFileSync(place)
    const data = bytes.subarray(sumLength)
    return bytes.readUInt32LE() === crc32(data) ? data : undefined
  } catch {
    return undefined
  }
}

/** At the end of a run, when all that it needed has been compiled. */
function keep(place: string, script: Script): void {
  const partial = `${place}.${process.pid}`
  try {
    // V8 takes only what was compiled under the flags that it starts with; all threads share them.
    setFlagsFromString('--no-expose-gc')
    const data = script.createCachedData()
    const sum = Buffer.alloc(sumLength)
    sum.writeUInt32LE(crc32(data))
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 })
    writeFileSync(partial, Buffer.concat([sum, data]), { mode: 0o600 })
    renameSync(partial, place)
  } catch {
    // The next run is as slow as this one.
  }
}
