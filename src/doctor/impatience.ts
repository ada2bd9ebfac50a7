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
  const limit = patience * patienceFactor
  const deadline = AbortSignal.timeout(limit)
  try {
    return await work(AbortSignal.any([signal, deadline]))
  } catch (cause) {
    if (!deadline.aborted || signal.aborted) throw cause
    throw new DrayError('NETWORK', `nothing of ${what} came within ${limit / 1000} s`, {
      hint: 'something on the way holds it back: a firewall that drops, or a proxy that scans and takes its time',
      cause,
    })
  }
}
