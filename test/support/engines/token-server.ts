import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Certificate } from './certificate-authority.ts'

export interface TokenServerOptions {
  /** Serves TLS and signs tokens; its authority has to be in the registry's `rootcertbundle`. */
  readonly certificate: Certificate
  /** Who may have a token, name to password; everybody when absent. */
  readonly users?: Readonly<Record<string, string>>
  /** How long the registry takes a token, in seconds. */
  readonly lifetime?: number
  /** What the server says about that, in seconds; the truth when absent. */
  readonly claimedLifetime?: number
}

export interface TokenServer {
  /** The `auth` section of a registry that trusts this server, but for `rootcertbundle`. */
  readonly registryAuth: { readonly realm: string; readonly service: string; readonly issuer: string }
  /** The query string of every request so far. */
  readonly requests: readonly string[]
  stop(): Promise<void>
}

const service = 'registry of the tests'
const issuer = 'token server of the tests'

// docker-registry takes a token for another minute after its `exp`, so that clocks may differ.
const leeway = 60

/** A token server as docker-registry's token authentication wants it: JSON web tokens, ES256, with the chain in `x5c`. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const { certificate, users, lifetime = 300, claimedLifetime = lifetime } = options
  const requests: string[] = []
  const [cert, key] = await Promise.all([readFile(certificate.certificate), readFile(certificate.key)])
  const server = createServer({ cert, key }, (request, response) => {
    const { searchParams, search } = new URL(request.url ?? '/', 'https://token.test')
    requests.push(search)
    if (users && !isKnown(request, users)) {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong user name or password' }] }),
      )
      return
    }
    const token = signToken(searchParams.getAll('scope'), lifetime, { cert, key })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ token, expires_in: claimedLifetime }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    registryAuth: { realm: `https://127.0.0.1:${port}/token`, service, issuer },
    requests,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function isKnown({ headers }: IncomingMessage, users: Readonly<Record<string, string>>): boolean {
  const [user = '', password = ''] = Buffer.from(
    (headers.authorization ?? '').replace(/^Basic /i, ''),
    'base64',
  )
    .toString()
    .split(':')
  return users[user] !== undefined && users[user] === password
}

function signToken(scopes: readonly string[], lifetime: number, pem: { cert: Buffer; key: Buffer }): string {
  const now = Math.floor(Date.now() / 1000)
  const header = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(pem.cert).raw.toString('base64')] }
  const claims = {
    ...{ iss: issuer, aud: service, sub: '', jti: randomUUID() },
    ...{ iat: now - leeway, nbf: now - leeway, exp: now + lifetime - leeway },
    access: scopes.map(toAccess),
  }
  const content = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const key = createPrivateKey(pem.key)
  return `${content}.${sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

function toAccess(scope: string): { type: string; name: string; actions: string[] } {
  const [type = '', name = '', actions = ''] = scope.split(':')
  return { type, name, actions: actions.split(',') }
}
