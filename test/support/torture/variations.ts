import { gzipSync } from 'node:zlib'
import { sha256 } from '../image-builder.ts'
import { password, type Scene } from './scene.ts'

/** A command, and what it may come to when one of its calls fails. Paths are relative to the scene's directory. */
export interface Variation {
  readonly name: string
  args(scene: Scene): readonly string[]
  readonly stdin?: string
  /** Puts in place what is there before. */
  prepare?(scene: Scene): void
  /** What it is run for. */
  readonly results: readonly string[]
  /** What a failure may leave, besides what was there. */
  readonly leaves?: RegExp
  /** What could not be removed, and only a command that has more to do would remove. */
  readonly lingers?: RegExp
  /** A failure that comes when the results are in place leaves them there. */
  readonly mayHaveResult?: boolean
  /** Default: 0 and 7. */
  readonly exitCodes?: readonly number[]
  /** What is not ours to touch. */
  readonly foreign?: (scene: Scene) => readonly string[]
  /** What it says of something, when it does not fail. */
  readonly isJudged?: boolean
  /** What it goes on without when the system forbids it to use it. */
  readonly dispensable?: RegExp
  /** The results go to stdout, which may end early. */
  readonly streams?: boolean
}

const output = 'work/image.tar'
const partials = 'work/image.tar.partial/blobs/sha256'
const oldArchive = 'the old archive'

/** Where blobs wait, by the contract. */
const blobs =
  /^(work\/image\.tar\.partial|cache)\/(archive\.tar(\.[0-9a-f]{8}-\d+-[0-9a-f]{8})?\.partial|blobs\/(sha256\/([0-9a-f]{64}(\.([0-9a-f]{8}-\d+-[0-9a-f]{8}\.)?partial)?)?)?)?$/

interface PullVariation extends Partial<Variation> {
  readonly image?: string
}

function pulls(name: string, flags: readonly string[], more: PullVariation = {}): Variation {
  return {
    name: `pull, ${name}`,
    args: ({ host, directory }) => [
      'pull',
      ...flags.map((flag) => flag.replace('DIRECTORY', directory)),
      ...[
        `${host}/${more.image ?? 'app:1'}`,
        '--plain-http',
        '--no-system-config',
        '--progress',
        'none',
        '--name',
        'app:1',
      ],
      ...(flags.includes('-o') ? [] : ['-o', `${directory}/${output}`]),
    ],
    results: [output],
    leaves: blobs,
    ...(flags.includes('--cache') && { dispensable: /^cache\b/ }),
    ...more,
  }
}

function verifies(what: string, prepare: (scene: Scene) => void): Variation {
  const args: Variation['args'] = ({ directory }) => ['verify', '-v', `${directory}/${output}`]
  return { name: `verify, ${what}`, args, prepare, results: [], exitCodes: [0, 6, 7], isJudged: true }
}

function withOldArchive({ put, claims }: Scene): void {
  put(output, oldArchive)
  put(`work/.image.tar${claims.dead}`, 'what a killed process left')
}

/** The beginnings of both layers, one as an earlier pull leaves it, one as a killed pull does. */
function withBeginnings({ put, claims, layers }: Scene): void {
  for (const [i, { blob, digest }] of layers.entries()) {
    const suffix = i === 0 ? '.partial' : claims.dead
    put(`${partials}/${digest.slice(7)}${suffix}`, blob.subarray(0, blob.length / 2))
  }
}

export const variations: readonly Variation[] = [
  pulls('docker format', []),
  pulls('oci format', ['--format', 'oci']),
  pulls('oci format, over what an earlier pull left', ['--format', 'oci'], {
    prepare: ({ put }) => put('work/image.tar.partial/archive.tar.partial', 'of another image'),
  }),
  pulls('over an old archive, beside what a killed one left', [], { prepare: withOldArchive }),
  pulls('one blob at a time', ['-j', '1']),
  pulls('going on with two partials', [], { prepare: withBeginnings }),
  pulls('with a partial that is spoilt', [], {
    prepare({ put, layers }) {
      put(`${partials}/${layers[0]?.digest.slice(7)}.partial`, 'something else')
    },
  }),
  pulls('into a cache', ['--cache', 'DIRECTORY/cache']),
  pulls('out of a cache', ['--cache', 'DIRECTORY/cache', '--format', 'oci'], {
    prepare({ put, layers }) {
      for (const { blob, digest } of layers) put(`cache/blobs/sha256/${digest.slice(7)}`, blob)
    },
  }),
  pulls('out of a cache that has gone bad', ['--cache', 'DIRECTORY/cache'], {
    prepare({ put, layers }) {
      for (const { blob, digest } of layers) {
        put(`cache/blobs/sha256/${digest.slice(7)}`, Buffer.concat([blob.subarray(1), Buffer.from('x')]))
      }
    },
  }),
  pulls('with a checksum', ['--checksum'], {
    prepare: ({ put }) => {
      put(output, oldArchive)
      put(`${output}.sha256`, `${'0'.repeat(64)}  image.tar\n`)
    },
    results: [output, `${output}.sha256`],
    mayHaveResult: true,
  }),
  pulls('beside another one of the same archive', [], {
    prepare(scene) {
      for (const path of othersOf(scene)) scene.put(path, 'of another process')
    },
    foreign: othersOf,
  }),
  pulls('to stdout', ['-o', '-'], { results: [], streams: true }),
  pulls('to stdout, oci format', ['-o', '-', '--format', 'oci'], { results: [], streams: true }),
  pulls('to stdout, with a cache', ['-o', '-', '--cache', 'DIRECTORY/cache'], { results: [], streams: true }),
  pulls('with a stored login', [], {
    image: 'private/app:1',
    prepare: withLogin,
    // Without the login, this registry may have nothing for us.
    exitCodes: [0, 4, 7],
  }),
  verifies('an archive', ({ put, archive }) => put(output, archive)),
  verifies('an archive with a checksum', ({ put, archive }) => {
    put(output, archive)
    put(`${output}.sha256`, `${sha256(archive).slice(7)}  image.tar\n`)
  }),
  verifies('a compressed archive', ({ put, archive }) => put(output, gzipSync(archive))),
  verifies('a damaged archive', ({ put, archive }) => {
    const damaged = Buffer.from(archive)
    damaged.write('damage', damaged.lastIndexOf('bbbb') - 10)
    put(output, damaged)
  }),
  {
    name: 'login',
    args: ({ host }) => ['login', host, '-u', 'alice', '--password-stdin', '--plain-http'],
    stdin: password,
    results: ['home/.docker/config.json'],
    leaves: /^home\/\.docker\/$/,
  },
  {
    name: 'login, with others in the file',
    args: ({ host }) => ['login', host, '-u', 'alice', '--password-stdin', '--plain-http'],
    stdin: password,
    prepare: withLogin,
    results: ['home/.docker/config.json'],
  },
  {
    name: 'logout',
    args: ({ host }) => ['logout', host],
    prepare: withLogin,
    results: ['home/.docker/config.json'],
    lingers: /^home\/\.docker\/config\.json\.lock$/,
  },
]

function othersOf({ claims, layers }: Scene): readonly string[] {
  return [`work/.image.tar${claims.living}`, `${partials}/${layers[0]?.digest.slice(7)}${claims.living}`]
}

function withLogin({ put, host }: Scene): void {
  const auth = Buffer.from(`alice:${password}`).toString('base64')
  const auths = { [host]: { auth }, 'quay.io': { auth } }
  put('home/.docker/config.json', JSON.stringify({ auths, detachKeys: 'ctrl-e,e' }))
}
