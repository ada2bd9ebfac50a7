import { resolve } from 'node:path'

/** What is to be done, whoever does it. */
export interface Job {
  /** `host:port` */
  readonly host: string
  /** `repository:tag` */
  readonly path: string
  /** Digests of the layers. */
  readonly layers: readonly string[]
  /** A file, or a directory, that is not there yet. */
  readonly output: string
  /** A directory for blobs, in scenarios where one is kept. */
  readonly cache: string | undefined
}

export interface Contender {
  readonly name: string
  /** The program that has to be on PATH. */
  readonly program: string
  /** What it leaves behind: layers as the registry has them, unpacked ones, or nothing. */
  readonly writes: 'packed' | 'unpacked' | 'nothing'
  readonly command: (job: Job) => readonly string[]
}

const launcher = resolve('bin/dray.js')

export const node: Contender = {
  name: 'node',
  program: 'node',
  writes: 'nothing',
  command: () => [process.execPath, '--input-type=module', '--eval', ''],
}

/** dray that is only asked for something, by this flag. */
export function drayWith(flag: string): Contender {
  return {
    name: 'dray',
    program: 'node',
    writes: 'nothing',
    command: () => [process.execPath, launcher, flag],
  }
}

export const drayDocker = dray('docker')
export const drayOci = dray('oci')
export const skopeoDocker = skopeo('docker')
export const skopeoOci = skopeo('oci')

/** A docker archive with layers as served. */
export const crane: Contender = {
  name: 'crane',
  program: 'crane',
  writes: 'packed',
  command: ({ host, path, output }) => ['crane', 'pull', '--insecure', `${host}/${path}`, output],
}

/** A directory, not an archive. */
export const craneOci: Contender = {
  name: 'crane --format=oci',
  program: 'crane',
  writes: 'packed',
  command: ({ host, path, output }) => [
    'crane',
    'pull',
    '--insecure',
    '--format=oci',
    `${host}/${path}`,
    output,
  ],
}

/** An OCI archive. */
export const regctl: Contender = {
  name: 'regctl',
  program: 'regctl',
  writes: 'packed',
  command: ({ host, path, output }) => [
    'regctl',
    `--host=reg=${host},tls=disabled`,
    'image',
    'export',
    `${host}/${path}`,
    output,
  ],
}

/** What cannot be done without: each layer into a file, three at a time inflated; nothing is verified, nothing joined. */
export const floorDocker: Contender = {
  name: 'curl, gzip',
  program: 'curl',
  writes: 'unpacked',
  command: (job) => [
    'sh',
    '-ec',
    `mkdir "$1"; shift; printf '%s\\n' "$@" | xargs -P 3 -n 2 sh -c 'curl -sSf "$0" | gzip -dc >"$1"'`,
    'sh',
    job.output,
    ...job.layers.flatMap((digest, index) => [blobUrl(job, digest), `${job.output}/${index}`]),
  ],
}

/** Each layer into a file, all at once. */
export const floorOci: Contender = {
  name: 'curl',
  program: 'curl',
  writes: 'packed',
  command: (job) => [
    'curl',
    '-sSf',
    '--parallel',
    '--create-dirs',
    ...job.layers.flatMap((digest, index) => ['-o', `${job.output}/${index}`, blobUrl(job, digest)]),
  ],
}

function dray(format: 'docker' | 'oci'): Contender {
  return {
    name: 'dray',
    program: 'node',
    writes: format === 'docker' ? 'unpacked' : 'packed',
    command: ({ host, path, output, cache }) => [
      process.execPath,
      launcher,
      `${host}/${path}`,
      `--format=${format}`,
      `--output=${output}`,
      ...(cache === undefined ? [] : [`--cache=${cache}`]),
    ],
  }
}

function skopeo(format: 'docker' | 'oci'): Contender {
  return {
    name: 'skopeo',
    program: 'skopeo',
    writes: format === 'docker' ? 'unpacked' : 'packed',
    command: ({ host, path, output }) => [
      'skopeo',
      'copy',
      '--src-tls-verify=false',
      `docker://${host}/${path}`,
      `${format}-archive:${output}:bench:1`,
    ],
  }
}

function blobUrl({ host, path }: Job, digest: string): string {
  return `http://${host}/v2/${path.replace(/:.*$/, '')}/blobs/${digest}`
}
