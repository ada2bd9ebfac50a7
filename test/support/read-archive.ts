import { createHash } from 'node:crypto'
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

/** The sha256 of every file of a tar, by name; for archives that are too large to be held. */
export async function readEntryDigests(path: string): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>()
  for await (const entry of createReadStream(path).pipe(extract())) {
    const hash = createHash('sha256')
    for await (const chunk of entry) hash.update(chunk)
    digests.set(entry.header.name, `sha256:${hash.digest('hex')}`)
  }
  return digests
}
