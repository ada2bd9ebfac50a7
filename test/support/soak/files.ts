import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Every file below a directory, by its path from there; none when there is no directory. */
export function filesBelow(directory: string): readonly string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)))
    .sort()
}

/** The digest of what is in a file. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  return `sha256:${hash.digest('hex')}`
}

/** What is in a cache and should not be: anything but whole blobs that are what their names say. */
export async function strangersIn(cache: string): Promise<readonly string[]> {
  const isBlob = async (file: string) =>
    /^blobs\/sha256\/[0-9a-f]{64}$/.test(file.replaceAll('\\', '/')) &&
    file.endsWith((await fileDigest(join(cache, file))).slice(7))
  const files = filesBelow(cache)
  const good = await Promise.all(files.map(isBlob))
  return files.filter((_, i) => !good[i])
}
