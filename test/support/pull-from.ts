import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { PullEvent } from '../../src/events.ts'
import { type PullOptions, type PullResult, pull } from '../../src/pull.ts'
import { type Handler, type ServeOptions, serve, type TestServer } from './serve.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A server that lives as long as the running test. */
export async function serveDuringTest(handler: Handler, options?: ServeOptions): Promise<TestServer> {
  const server = await serve(handler, options)
  onTestFinished(() => server.close())
  return server
}

export interface TestPull {
  readonly result: PullResult
  readonly path: string
  readonly events: readonly PullEvent[]
}

/** Pulls `server.host/name` into a directory of the test's own. */
export async function pullFrom(
  server: TestServer,
  name: string,
  options: PullOptions = {},
): Promise<TestPull> {
  const events: PullEvent[] = []
  const result = await pull([`${server.host}/${name}`], {
    output: join(temporaryDirectory(), 'image.tar'),
    onEvent: (event) => events.push(event),
    ...options,
  })
  return { result, path: result.path, events }
}

/** The paths that a server was asked for, shortened to what tells them apart. */
export function pathsSeen(server: TestServer, containing = ''): readonly string[] {
  return server.requests.map(({ url }) => url).filter((url) => url.includes(containing))
}
