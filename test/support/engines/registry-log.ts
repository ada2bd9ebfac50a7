import type { Registry } from './docker-registry.ts'

/** URLs that a docker-registry was asked for, in order. */
export interface Requests {
  readonly byDray: readonly string[]
  readonly byOthers: readonly string[]
}

/** Answers what a registry has been asked for since then. It may log a request a little after its answer has arrived. */
export async function listenTo(registry: Registry): Promise<() => Promise<Requests>> {
  const before = (await registry.readLog()).length
  return async () => requestsIn((await registry.readLog()).slice(before))
}

/** The digests of the blobs among what was asked for. */
export function blobsIn(urls: readonly string[]): readonly string[] {
  return [...new Set(urls.flatMap((url) => /\/blobs\/(sha256:\w+)/.exec(url)?.[1] ?? []))].sort()
}

function requestsIn(log: string): Requests {
  const lines = log.split('\n').filter((line) => line.includes('msg="response completed"'))
  const field = (line: string, name: string) =>
    new RegExp(` http\\.request\\.${name}="?([^\\s"]+)`).exec(line)?.[1] ?? ''
  const urls = (some: readonly string[]) =>
    some.map((line) => `https://${field(line, 'host')}${field(line, 'uri')}`)
  const isOfDray = (line: string) => field(line, 'useragent').startsWith('dray/')
  return {
    byDray: urls(lines.filter(isOfDray)),
    byOthers: urls(lines.filter((line) => !isOfDray(line))),
  }
}
