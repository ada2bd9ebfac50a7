import { DrayError } from '../errors.ts'
import type { Wires } from './reach.ts'

/** Of what connecting may take. */
const patienceFactor = 2

/** Waits for something of a blob, and less long than a pull does, which leaves proxies the time to scan it. */
export async function impatiently<T>(
  what: string,
  { signal, patience }: Pick<Wires, 'signal' | 'patience'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const limit = patience * patienceFactor
  const timer = setTimeout(() => deadline.abort(), limit)
  try {
    return await work(AbortSignal.any([signal, deadline.signal]))
  } catch (error) {
    throw deadline.signal.aborted && !signal.aborted ? silence(what, limit, error) : error
  } finally {
    clearTimeout(timer)
  }
}

function silence(what: string, limit: number, cause: unknown): DrayError {
  return new DrayError('NETWORK', `nothing of ${what} came within ${limit / 1000} s`, {
    hint: 'something on the way holds it back: a firewall that drops, or a proxy that scans and takes its time',
    cause,
  })
}
