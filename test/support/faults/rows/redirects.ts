import { redirect, status } from '../answers.ts'
import { fin, reset } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'

const half = 0.5
const pulled = 'manifest config layer'

/** The registry sends us elsewhere: to a place where no one should go, or one with troubles of its own. */
export const redirectRows: readonly FaultRow[] = [
  ...[301, 303, 308].map(
    (code): FaultRow => ({
      fault: `${code}: followed`,
      meet: [redirect(code, '$URL?once=more')],
      exitCode: 0,
      asks: `${pulled} layer`,
    }),
  ),
  {
    fault: 'a redirect without a scheme: followed in the same one',
    tls: 'both',
    meet: [redirect(302, '//$HOST$URL?once=more')],
    exitCode: 0,
    asks: `${pulled} layer`,
  },
  {
    fault: 'a redirect in the middle of a layer: the range goes along',
    meet: [fin(half), redirect(307, '$URL?once=more')],
    exitCode: 0,
    asks: `${pulled} layer+ layer+`,
  },
  {
    fault: 'a redirect to itself',
    tls: 'both',
    forever: redirect(302, '$URL'),
    exitCode: 8,
    says: /redirects in a circle/,
    asks: pulled,
  },
  {
    fault: 'a redirect that never ends',
    forever: redirect(302, '$URL?x'),
    exitCode: 8,
    says: /more than 10 redirects/,
    asks: `${pulled}${' layer'.repeat(10)}`,
  },
  ...(
    [
      ['nowhere', undefined, 5, /without saying where to go/],
      ['what is no URL', 'http://[', 5, /a Location that is no URL/],
      ['a file', 'file:///etc/passwd', 8, /neither http nor https/],
      ['FTP', 'ftp://127.0.0.1/x', 8, /neither http nor https/],
      ['a URL with a password', 'http://a:b@127.0.0.1/x', 8, /user name or password/],
      ['a metadata service', 'http://169.254.169.254/latest', 8, /hold no blobs/],
    ] as const
  ).map(
    ([words, location, exitCode, says]): FaultRow => ({
      fault: `a redirect to ${words}: not followed`,
      forever: redirect(307, location),
      exitCode,
      says,
      asks: pulled,
    }),
  ),
  {
    fault: 'a storage that wants a login: it gets none',
    storage: true,
    tokens: {},
    at: 'layer@storage',
    forever: status(401, '', { 'www-authenticate': 'Basic realm="give it to me"' }),
    exitCode: 4,
    says: /does not take the link/,
    asks: 'manifest token manifest config layer layer@storage',
  },
  {
    fault: 'a storage that breaks off: the registry is asked for another link',
    tls: 'both',
    storage: true,
    at: 'layer@storage',
    meet: [reset(half)],
    exitCode: 0,
    asks: `${pulled} layer@storage layer+ layer+@storage`,
  },
  {
    fault: 'a storage whose link has expired: the registry is asked for another one',
    storage: true,
    at: 'layer@storage',
    meet: [status(403)],
    exitCode: 0,
    asks: `${pulled} layer@storage layer layer@storage`,
  },
  {
    fault: 'a storage whose link expires in the middle of a layer',
    storage: true,
    at: 'layer@storage',
    meet: [fin(half), status(403)],
    exitCode: 0,
    asks: `${pulled} layer@storage layer+ layer+@storage layer+ layer+@storage`,
  },
  {
    fault: 'a storage that takes no link at all',
    storage: true,
    at: 'layer@storage',
    forever: status(
      403,
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>',
    ),
    exitCode: 4,
    says: /does not take the link that 127\.0\.0\.1 gave .*Request has expired/,
    asks: `${pulled} layer@storage layer layer@storage`,
  },
  {
    fault: 'a storage that answers 503: the registry is asked for another link',
    storage: true,
    at: 'layer@storage',
    meet: [status(503)],
    exitCode: 0,
    asks: `${pulled} layer@storage layer layer@storage`,
  },
]
