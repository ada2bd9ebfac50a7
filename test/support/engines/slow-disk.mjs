// Loaded into dray before it starts, in each of its threads: lets so many bytes per second go to files, like a disk that
// is slow and has no cache before it.
import fs from 'node:fs'
import { open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'

const bytesPerSecond = Number(process.env.SLOW_DISK_BYTES_PER_SECOND)
const bell = new Int32Array(new SharedArrayBuffer(4))
let isFree = 0

/** How long to wait until so many bytes are written, in milliseconds. */
function takeTurn(bytes) {
  const now = performance.now()
  isFree = Math.max(now, isFree) + (bytes / bytesPerSecond) * 1000
  return isFree - now
}

const lengthOf = (data) =>
  Array.isArray(data) ? data.reduce((sum, each) => sum + each.length, 0) : (data?.length ?? 0)

const probe = await open(new URL(import.meta.url))
const handles = Object.getPrototypeOf(probe)
await probe.close()
for (const name of ['write', 'writev']) {
  const original = handles[name]
  handles[name] = async function (data, ...rest) {
    await sleep(takeTurn(lengthOf(data)))
    return Reflect.apply(original, this, [data, ...rest])
  }
  const withCallback = fs[name]
  fs[name] = (file, data, ...rest) =>
    void setTimeout(() => withCallback(file, data, ...rest), takeTurn(lengthOf(data)))
  const synchronous = fs[`${name}Sync`]
  fs[`${name}Sync`] = (file, data, ...rest) => {
    if (file > 2) Atomics.wait(bell, 0, 0, takeTurn(lengthOf(data)))
    return synchronous(file, data, ...rest)
  }
}
syncBuiltinESMExports()
