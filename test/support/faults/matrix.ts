import { setTimeout as sleep } from 'node:timers/promises'
import { onTheWire, status } from './answers.ts'
import { fin, reset, resetBefore, silence, stall, wrongBytes } from './body.ts'
import type { Fault } from './fault.ts'

/** How far a pull has come. */
export const phases = ['token', 'manifest', 'config', 'blob headers', 'blob body', 'archive tail'] as const
export type Phase = (typeof phases)[number]

export const faultKinds = [
  'a reset',
  'a stall',
  '503',
  'wrong bytes',
  'SIGINT',
  'SIGTERM',
  'kill -9',
  'no room for the archive',
  'no room for the blobs',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** What is not yet sent when only the end of the archive is missing, in bytes. */
export const tailSize = 64 * 1024

/** What the first request of a phase meets, and the others. */
export interface Cell {
  readonly meet: readonly Fault[]
  readonly forever: Fault
  readonly exitCode: number | null
}

/** `strike` is what happens on this machine: a signal, a disk that runs full. */
export function cellOf(kind: FaultKind, phase: Phase, strike: () => void): Cell {
  const amount = sentIn(phase)
  const isBody = amount !== undefined
  switch (kind) {
    case 'a reset':
      return { meet: isBody ? [reset(amount)] : [], forever: resetBefore, exitCode: 5 }
    case 'a stall':
      return { meet: isBody ? [stall(amount)] : [], forever: silence, exitCode: 5 }
    case '503':
      return { meet: isBody ? [fin(amount)] : [], forever: status(503), exitCode: 5 }
    case 'wrong bytes':
      return { meet: [], ...wrong[phase] }
    case 'SIGINT':
    case 'SIGTERM':
    case 'kill -9':
      return { meet: [], forever: halt(amount, strike), exitCode: exitCodes[kind] }
    default:
      return { meet: [], forever: pause(amount, strike), exitCode: 7 }
  }
}

const exitCodes = { SIGINT: 130, SIGTERM: 143, 'kill -9': null } as const

/** How much of its body is sent when a phase is reached, in the words of `body.ts`. */
function sentIn(phase: Phase): number | undefined {
  return { 'blob body': 0.5, 'archive tail': -tailSize }[phase as string]
}

const wrong: Readonly<Record<Phase, Omit<Cell, 'meet'>>> = {
  token: { forever: status(200, '{"token": "a'), exitCode: 5 },
  manifest: { forever: wrongBytes(), exitCode: 6 },
  config: { forever: wrongBytes(), exitCode: 6 },
  'blob headers': { forever: onTheWire('HTTP/1.1 2OO OK\r\n\r\n'), exitCode: 5 },
  'blob body': { forever: wrongBytes(0.5), exitCode: 6 },
  'archive tail': { forever: wrongBytes(-tailSize), exitCode: 6 },
}

/** Long enough for what was sent to be on the disk. */
const aWhile = 150

const halt =
  (amount: number | undefined, strike: () => void): Fault =>
  (answer, exchange) => {
    if (amount !== undefined) stall(amount)(answer, exchange)
    setTimeout(strike, aWhile)
  }

const pause =
  (amount = 0, strike: () => void): Fault =>
  async ({ status, headers, body }, { response }) => {
    const sent = amount > 0 ? Math.floor(body.length * amount) : amount
    const beginning = amount === 0 ? body.subarray(0, 0) : body.subarray(0, sent)
    response.writeHead(status, headers)
    response.write(beginning)
    await sleep(aWhile)
    strike()
    response.end(body.subarray(beginning.length))
  }
