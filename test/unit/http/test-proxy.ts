import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tlsFixture } from '../../support/serve.ts'

export interface TestProxy {
  readonly host: string
  /** What it was asked, `CONNECT host:port` or `GET http://…`, with the headers. */
  readonly requests: readonly { readonly line: string; readonly headers: IncomingMessage['headers'] }[]
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestProxyOptions {
  readonly tls?: string
  /** Names that resolve, and where to. */
  readonly hosts?: Readonly<Record<string, string>>
}

/** A proxy that works: CONNECT, and absolute-form requests. */
export async function testProxy({ tls, hosts = {} }: TestProxyOptions = {}): Promise<TestProxy> {
  const requests: { line: string; headers: IncomingMessage['headers'] }[] = []
  const server = tls ? createTlsServer(tlsFixture(tls)) : createServer()
  const resolve = (host: string) => hosts[host] ?? host
  server.on('connect', (request, client, head) => {
    requests.push({ line: `CONNECT ${request.url}`, headers: request.headers })
    const target = new URL(`http://${resolve(request.url ?? '')}`)
    const upstream = connect(Number(target.port), target.hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
  })
  server.on('request', (request, response) => {
    requests.push({ line: `${request.method} ${request.url}`, headers: request.headers })
    const target = new URL(request.url ?? '')
    const { 'proxy-authorization': _, ...headers } = request.headers
    const onward = httpRequest(`http://${resolve(target.host)}${target.pathname}${target.search}`, {
      method: request.method,
      headers,
    })
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
