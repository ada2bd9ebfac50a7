import { posix } from 'node:path'
import { quote } from '../errors.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import { type DigestedContent, digestContent } from './digest-content.ts'
import type { ProblemList } from './problem-list.ts'
import type { TarEntry } from './read-tar.ts'

/** One entry, after it has passed. */
export type Entry = FileEntry | LinkEntry | { readonly type: 'directory'; readonly path: string }

export interface FileEntry extends DigestedContent {
  readonly type: 'file'
  readonly path: string
  readonly offset: number
}

interface LinkEntry {
  readonly type: 'symlink' | 'hard link'
  readonly path: string
  readonly target: string
}

/** Everything that is in an archive, by its path without `./`. */
export interface EntryTable {
  has(path: string): boolean
  files(): Iterable<FileEntry>
  directories(): Iterable<string>
  /** The file at a path, or what is there instead, in words. Links are followed. */
  find(path: string): FileEntry | string
  /** How the entries are written. */
  readonly traits: TableTraits
}

/** What some engines cannot cope with. */
export interface TableTraits {
  hardLinks: boolean
  absoluteLinks: boolean
  symlinks: boolean
  /** Names begin with `./`. */
  dotSlash: boolean
}

export interface TableBuilder {
  readonly table: EntryTable
  add(entry: TarEntry): Promise<void>
}

/** What a manifest or a config may have at most; others take no more either. */
export const largestDocument = 4 * 1024 * 1024
const mostDocuments = 16 * 1024 * 1024
const wellKnown = new Set(['manifest.json', 'index.json', 'oci-layout', 'repositories'])

/** Collects the entries of a tar, each hashed while it passes; of documents the bytes are kept, as far as memory allows. */
export function buildTable(problems: ProblemList, warnings: string[]): TableBuilder {
  const entries = new Map<string, Entry>()
  const traits: TableTraits = { hardLinks: false, absoluteLinks: false, symlinks: false, dotSlash: false }
  let keptBytes = 0

  /** Memory for the documents that matter: all that is at the top, and the others as long as there is room. */
  function keepIfWanted(file: FileEntry): FileEntry {
    const { bytes, ...others } = file
    if (!bytes || wellKnown.has(file.path)) return file
    if (!isWanted(file.path, bytes) || keptBytes + bytes.length > mostDocuments) return others
    keptBytes += bytes.length
    return file
  }

  async function digest(path: string, { size, offset, content }: TarEntry): Promise<FileEntry | undefined> {
    const algorithms: DigestAlgorithm[] = path.startsWith('blobs/sha512/') ? ['sha256', 'sha512'] : ['sha256']
    const keep = (head: Buffer) =>
      size <= largestDocument && (wellKnown.has(path) || mayBeDocument(path, head))
    const digested = await digestContent(content, { algorithms, keep })
    return digested.size === size ? keepIfWanted({ type: 'file', path, offset, ...digested }) : undefined
  }

  function put(entry: Entry): void {
    const earlier = entries.get(entry.path)
    if (earlier && !isSame(earlier, entry)) {
      const message =
        'is in the archive twice, each time with other content; which of the two counts, engines disagree'
      problems.broken(`${quote(entry.path)}${offsets(earlier, entry)}`, message)
    } else if (earlier && entry.type !== 'directory') {
      warnings.push(`${quote(entry.path)} is in the archive twice, with the same content`)
    }
    entries.set(entry.path, entry)
  }

  return {
    table: {
      has: (path) => entries.has(path),
      files,
      directories,
      find: (path) => find(entries, path),
      traits,
    },
    async add(entry) {
      const { type, name, target } = entry
      const place = `${quote(name)}, at byte ${entry.offset}`
      const path = cleanPath(name)
      if (name.split('/').includes('..')) problems.broken(place, 'its name leads out of the archive')
      else if (name.startsWith('/')) problems.broken(place, 'its name is absolute')
      if (name.startsWith('./') && path !== '') traits.dotSlash = true
      if (type === 'file') {
        const file = await digest(path, entry)
        if (file) put(file)
      } else if (type === 'directory') {
        if (path !== '') put({ type, path })
      } else if (type === 'symlink' || type === 'hard link') {
        traits[type === 'symlink' ? 'symlinks' : 'hardLinks'] = true
        if (type === 'symlink' && target.startsWith('/')) traits.absoluteLinks = true
        put({ type, path, target })
      } else {
        problems.broken(
          place,
          `is ${type === 'unknown' ? 'of a type that no archive of images has' : `a ${type}`}`,
        )
      }
    },
  }

  function* files(): Generator<FileEntry> {
    for (const entry of entries.values()) if (entry.type === 'file') yield entry
  }

  function* directories(): Generator<string> {
    for (const entry of entries.values()) if (entry.type === 'directory') yield entry.path
  }
}

function mayBeDocument(path: string, head: Buffer): boolean {
  return /^\s*[[{]/.test(head.toString('latin1', 0, 64)) || path.endsWith('/VERSION')
}

/** Other documents, such as lists of packages, can be large, and nothing here depends on them. */
function isWanted(path: string, bytes: Buffer): boolean {
  return /\/(json|VERSION)$/.test(path) || ['"rootfs"', '"schemaVersion"'].some((key) => bytes.includes(key))
}

/** As a chroot takes it: `./a//b` is `a/b`, `/a` and `../a` are `a`. */
function cleanPath(name: string): string {
  return posix.join('/', name).replace(/^\/+|\/+$/g, '')
}

function isSame(a: Entry, b: Entry): boolean {
  if (a.type === 'file' && b.type === 'file') return contentDigest(a) === contentDigest(b)
  if (a.type === 'directory') return b.type === 'directory'
  return 'target' in a && 'target' in b && a.type === b.type && a.target === b.target
}

function contentDigest({ digests }: FileEntry): Digest | undefined {
  return digests.sha256
}

function offsets(a: Entry, b: Entry): string {
  return 'offset' in a && 'offset' in b ? `, at byte ${a.offset} and at byte ${b.offset}` : ''
}

const longestChain = 10

function find(entries: ReadonlyMap<string, Entry>, path: string): FileEntry | string {
  let at = cleanPath(path)
  for (let step = 0; step < longestChain; step++) {
    const entry = entries.get(at)
    const through = step === 0 ? '' : `it is a link to ${quote(at)}, which `
    if (!entry) return through ? `${through}is not in the archive` : 'is not in the archive'
    if (entry.type === 'file') return entry
    if (entry.type === 'directory') return through ? `${through}is a directory` : 'is a directory, not a file'
    const next = linkTarget(entry)
    if (next === undefined) return `it is a link that leads out of the archive, to ${quote(entry.target)}`
    at = next
  }
  return 'it is a link that leads nowhere: it goes in circles'
}

/** A hard link names a path of the archive; a symbolic one goes from its own directory. */
function linkTarget({ type, path, target }: LinkEntry): string | undefined {
  const isRelative = type === 'symlink' && !target.startsWith('/')
  const joined = posix.normalize(
    isRelative ? posix.join(posix.dirname(path), target) : target.replace(/^\/+/, ''),
  )
  return joined === '..' || joined.startsWith('../') ? undefined : cleanPath(joined)
}
