import type { Socket } from 'node:net'
import { says, silent } from '../../../unit/http/raw-server.ts'
import type { FaultRow } from '../fault-row.ts'

const answers = (line: string, headers = '') =>
  says(`HTTP/1.1 ${line}\r\n${headers}content-length: 2\r\n\r\nno`)
const closes = (socket: Socket) => void socket.once('data', () => socket.end())
const resets = (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy())
const closesAtOnce = (socket: Socket) => void socket.end()
const impatient = ['--timeout', '2']

/** Something is wrong with the proxy, which is called one; it is asked as often as it may help. */
export const proxyRows: readonly FaultRow[] = (
  [
    ['wants a login', 'http', answers('407 x', 'proxy-authenticate: NTLM\r\n'), 4, /it offers NTLM/, 1],
    [
      'wants a login and says 401',
      'http',
      answers('401 x', 'www-authenticate: Basic\r\n'),
      4,
      /wants a user name/,
      1,
    ],
    [
      'forbids the host',
      'http',
      answers('403 Forbidden'),
      5,
      /refused to connect to registry\.example.* 403 Forbidden/,
      1,
    ],
    [
      'cannot reach the host',
      'http',
      answers('503 x', 'x-squid-error: ERR_DNS_FAIL 0\r\n'),
      5,
      /was not able to connect.*ERR_DNS_FAIL/,
      2,
    ],
    [
      'answers 500',
      'http',
      answers('500 x', 'server: tinyproxy/1.11.1\r\n'),
      5,
      /was not able to connect/,
      2,
    ],
    [
      'wants to be logged in to',
      'http',
      answers('302 Found', 'location: http://portal.example/\r\n'),
      5,
      /looks like a login page/,
      1,
    ],
    ['speaks no HTTP', 'http', says('SSH-2.0-x\r\n'), 5, /not in valid HTTP/, 1],
    ['closes the connection', 'http', closes, 5, /closed the connection too early/, 2],
    ['closes the connection at once', 'http', closesAtOnce, 5, /closed the connection too early/, 2],
    ['resets the connection', 'http', resets, 5, /closed the connection too early/, 2],
    ['is silent', 'http', silent, 5, /did not answer in time/, 2],
    ['speaks no TLS', 'https', answers('400 x'), 8, /does not speak TLS/, 1],
    ['takes no login', 'socks5', says('\x05\xff'), 4, /user name|login|credentials/, 1],
    ['closes the connection', 'socks5', closes, 5, /closed the connection|socks/i, 2],
    ['is silent', 'socks5', silent, 5, /did not answer in time/, 2],
  ] as const
).map(
  ([words, scheme, proxy, exitCode, text, asks]): FaultRow => ({
    fault: `a proxy (${scheme}) that ${words}`,
    ...(proxy === silent && { args: impatient }),
    proxy,
    proxyUrl: `${scheme}://PROXY`,
    image: 'registry.example/app:1',
    exitCode,
    says: new RegExp(
      `the (SOCKS5? )?proxy proxy\\.example[\\s\\S]*${text.source}|${text.source}[\\s\\S]*the proxy proxy\\.example`,
      text.flags,
    ),
    asks,
  }),
)
