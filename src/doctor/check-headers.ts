import { formatRateLimit, rateLimitOf } from '../http/rate-limit.ts'
import { headerOf } from '../http/transport.ts'
import { isServedAt } from '../registry/endpoint.ts'
import type { Outcome, RunStep } from './finding.ts'
import type { Exchange } from './observe.ts'

type Answer = NonNullable<Exchange['answer']>

/** What the registry's answers say besides: what time it is there, and how much more may be pulled. */
export async function checkHeaders(exchanges: readonly Exchange[], root: URL, run: RunStep): Promise<void> {
  const own = exchanges.filter(({ url, purpose }) => purpose !== 'token' && isServedAt(url, root))
  const answers = own.flatMap(({ answer }) => (answer ? [answer] : []))
  await run('clock', async () => judgeClock(answers))
  await run('rate-limit', async () => judgeRateLimit(answers))
}

/** From here on, tokens and certificates are found to be too old or too young. */
const mostSkew = 60_000

function judgeClock(answers: readonly Answer[]): Outcome<undefined> {
  const skews = answers.map((answer) => answer.receivedAt - Date.parse(headerOf(answer, 'date') ?? ''))
  const skew = skews.find((each) => !Number.isNaN(each))
  if (skew === undefined) return unknown('the registry did not say what time it is')
  if (Math.abs(skew) <= mostSkew) return { summary: 'the same here as there', value: undefined }
  const difference = `${inMinutes(skew)} ${skew > 0 ? 'ahead of' : 'behind'} the registry's`
  return {
    status: 'warning',
    summary: `the clock of this machine is ${difference}: tokens and certificates may seem expired`,
    value: undefined,
  }
}

function inMinutes(milliseconds: number): string {
  const minutes = Math.round(Math.abs(milliseconds) / 60_000)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
}

function judgeRateLimit(answers: readonly Answer[]): Outcome<undefined> {
  if (answers.length === 0) return unknown('the registry did not say')
  const limits = answers.map(rateLimitOf).filter((limit) => limit !== undefined)
  const limit = limits.at(-1)
  if (!limit) return { summary: 'the registry tells of none', value: undefined }
  const status = limit.remaining === 0 ? 'warning' : 'ok'
  return { status, summary: formatRateLimit(limit), value: undefined }
}

function unknown(summary: string): Outcome<undefined> {
  return { status: 'skipped', summary, value: undefined }
}
