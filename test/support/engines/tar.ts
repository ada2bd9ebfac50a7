import { mustRun } from './run.ts'

/** Names of all entries of a tar in their order, as GNU tar and libarchive read them. */
export async function listTar(archive: string, tar: 'tar' | 'bsdtar' = 'tar'): Promise<readonly string[]> {
  return (await mustRun(tar, ['-tf', archive])).split('\n')
}

/** The sha256 of each file of a tar by its name; a link has that of the file it points to. */
export async function hashTarEntries(archive: string): Promise<Readonly<Record<string, string>>> {
  const output = await mustRun('tar', ['-xf', archive, '--to-command=sha256sum | sed "s|-$|$TAR_FILENAME|"'])
  const hashes = new Map(output.split('\n').map((line) => line.split('  ').toReversed() as [string, string]))
  for (const [name, target] of await listLinks(archive))
    hashes.set(name, hashes.get(target) ?? 'a dangling link')
  return Object.fromEntries(hashes)
}

/** Relative symbolic links, `docker save` writes no others: name, and the name of what it points to. */
async function listLinks(archive: string): Promise<readonly (readonly [string, string])[]> {
  const lines = (await mustRun('tar', ['-tvf', archive])).split('\n')
  return lines
    .filter((line) => line.startsWith('l'))
    .map((line) => line.replace(/^(\S+\s+){5}/, '').split(' -> '))
    .map(([name = '', target = '']) => [name, new URL(target, `tar:///${name}`).pathname.slice(1)])
}
