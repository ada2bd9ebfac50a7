import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { extract } from 'tar-stream'

/** Reads an archive back and checks each layer against the config's diffIDs; says what it found. Throws when one differs. */
export async function verifyArchive(path: string): Promise<string> {
  const digests = new Map<string, string>()
  const documents = new Map<string, string>()
  for await (const entry of createReadStream(path).pipe(extract())) {
    const hash = createHash('sha256')
    const chunks: Buffer[] = []
    for await (const chunk of entry) {
      hash.update(chunk)
      if (entry.header.name.endsWith('.json')) chunks.push(chunk)
    }
    digests.set(entry.header.name, hash.digest('hex'))
    documents.set(entry.header.name, Buffer.concat(chunks).toString())
  }
  const [item] = JSON.parse(documents.get('manifest.json') ?? '[]')
  const { rootfs } = JSON.parse(documents.get(item.Config) ?? '{}')
  for (const [i, layer] of item.Layers.entries()) {
    if (`sha256:${digests.get(layer)}` !== rootfs.diff_ids[i])
      throw new Error(`${layer} is not what the config promises`)
  }
  return `${item.RepoTags.join(', ')}, ${item.Layers.length} layers, every diffID right`
}
