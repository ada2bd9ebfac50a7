import { DrayError } from '../errors.ts'
import { headerOf } from '../http/transport.ts'
import { type Answer, hostOf, isSigned, quoteWords } from './answer.ts'

/** The error for an answer that is not about the image at all: something between us and the registry gave it. */
export function interference(answer: Answer): DrayError | undefined {
  if (isFromProxy(answer)) return proxyError(answer)
  return gateKeepers.find(({ says }) => says.test(answer.words.text))?.error(answer)
}

/** Via alone proves nothing, since CDNs send it too. */
function isFromProxy({ response, words }: Answer): boolean {
  if (response.status === 407) return true
  if (isSigned(response, words)) return false
  return (
    headerOf(response, 'x-squid-error') !== undefined ||
    /^(squid|tinyproxy)\b/i.test(headerOf(response, 'server') ?? '') ||
    (words.isWebPage && headerOf(response, 'via') !== undefined)
  )
}

function proxyError({ response: { status }, words, inquiry: { registry, what } }: Answer): DrayError {
  const message = `the proxy answered ${status} when ${registry} was asked for ${what}${quoteWords(words)}`
  return status === 407
    ? new DrayError('PROXY_AUTH', message, {
        hint: 'put the user name and password into the URL of the proxy',
      })
    : new DrayError('NETWORK', message, {
        hint: 'the proxy may not reach the registry, or not be allowed to',
      })
}

interface GateKeeper {
  readonly says: RegExp
  readonly error: (answer: Answer) => DrayError
}

/** What nginx, Apache and Go say before a request ever gets to the registry behind them. */
const gateKeepers: readonly GateKeeper[] = [
  {
    says: /plain http request was sent to https port|http request to an https server|plain http to an ssl-enabled/i,
    error: (answer) =>
      new DrayError('TLS', `${hostOf(answer)} speaks TLS, and was asked in plain http`, {
        hint: 'leave out --plain-http, and what else says that it speaks no TLS',
      }),
  },
  {
    says: /no required ssl certificate was sent/i,
    error: (answer) =>
      new DrayError('TLS', `${hostOf(answer)} wants a client certificate`, {
        hint: 'give it with --cert FILE --key FILE',
      }),
  },
  {
    says: /the ssl certificate error/i,
    error: (answer) =>
      new DrayError('TLS', `${hostOf(answer)} does not accept the client certificate`, {
        hint: 'check that --cert is from the CA that it trusts, and has not expired',
      }),
  },
  {
    says: /accept header does not support/i,
    error: (answer) =>
      new DrayError(
        'NETWORK',
        `${hostOf(answer)} has ${answer.inquiry.what}, but did not see that dray takes its format${quoteWords(answer.words)}`,
        {
          hint: 'a proxy or cache on the way cuts the Accept header short: go around it, or have it repaired',
        },
      ),
  },
]
