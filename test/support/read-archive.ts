import { createReadStream } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { extract, type Headers } from 'tar-stream'

export interface ArchivedEntry {
  readonly header: Headers
  readonly bytes: Buffer
}

/** Every entry of a tar, by name, in order. */
export async function readArchive(path: string): Promise<Map<string, ArchivedEntry>> {
  const entries = new Map<string, ArchivedEntry>()
  for await (const entry of createReadStream(path).pipe(extract())) {
    entries.set(entry.header.name, { header: entry.header, bytes: await buffer(entry) })
  }
  return entries
}

/** A JSON document of the archive. */
export function jsonEntry(entries: Map<string, ArchivedEntry>, name: string) {
  return JSON.parse(entries.get(name)?.bytes.toString() ?? 'null')
}
