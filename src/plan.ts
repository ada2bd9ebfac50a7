import type { Writable } from 'node:stream'
import { archivedName, archiveFileName } from './archive/archive-name.ts'
import type { DestinationOptions } from './archive/destination.ts'
import type { CredentialSource } from './auth/credential.ts'
import { DrayError } from './errors.ts'
import type { OnEvent } from './events.ts'
import type { NetworkOptions } from './network.ts'
import { formatPlatform, hostPlatform, type Platform, parsePlatform } from './oci/platform.ts'
import { parseReference, type Reference } from './oci/reference.ts'

export interface PullOptions extends Omit<NetworkOptions, 'connections' | 'onWarning' | 'onNote'> {
  /** A file, a directory, or `-` for `stdout`; default: a file in the working directory named after the image. */
  readonly output?: string | undefined
  /** Where output `-` goes. */
  readonly stdout?: Writable | undefined
  /** `os/architecture[/variant]`; default: linux on this machine's architecture. */
  readonly platform?: string | undefined
  /** `docker` (default): what `docker save` writes. `oci`: an OCI image layout with a manifest.json, blobs as served. */
  readonly format?: 'docker' | 'oci' | undefined
  /** The name and tag stored in the archive, for a single image. */
  readonly name?: string | undefined
  /** Write FILE.sha256 beside the archive, in the form that `sha256sum -c` reads; not for a stream. */
  readonly checksum?: boolean | undefined
  /** Blobs in flight at once; default 4. */
  readonly jobs?: number | undefined
  /** A directory that keeps blobs for later pulls; default: none. */
  readonly cache?: string | undefined
  /** Who to be; default: anonymous. */
  readonly credentials?: CredentialSource | undefined
  /** Tries without progress before giving up; default 6. */
  readonly retries?: number | undefined
  /** Ends the pull: rejects with ABORTED, or with the signal's reason when that is a DrayError. */
  readonly signal?: AbortSignal | undefined
  /** Told what happens, while it happens. */
  readonly onEvent?: OnEvent | undefined
}

/** What a pull is going to do. */
export interface Plan {
  readonly wanted: readonly Wanted[]
  readonly platform: Platform
  readonly format: 'docker' | 'oci'
  readonly jobs: number
  readonly destination: DestinationOptions
  readonly options: PullOptions
  readonly onEvent: OnEvent
}

/** An image that was asked for. */
export interface Wanted {
  /** As the user typed it. */
  readonly text: string
  readonly reference: Reference
  /** To be stored in the archive. */
  readonly name: string | undefined
}

/** All names and options first: a typo costs no network. Throws USAGE. */
export function planPull(texts: readonly string[], options: PullOptions): Plan {
  if (texts.length === 0) throw new DrayError('USAGE', 'no image was named')
  if (options.name !== undefined && texts.length > 1) {
    throw new DrayError('USAGE', 'a name can be given to a single image only')
  }
  const wanted = texts.map((text) => {
    const reference = parseReference(text)
    return { text, reference, name: archivedName(reference, options.name) }
  })
  const { format = 'docker', onEvent = () => {} } = options
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform)
  const unusual = formatPlatform(platform) !== formatPlatform(hostPlatform()) ? platform : undefined
  return {
    wanted,
    platform,
    format,
    jobs: options.jobs ?? 4,
    destination: {
      path: options.output ?? '.',
      format,
      defaultName: archiveFileName(
        wanted.map(({ reference }) => reference),
        unusual,
      ),
      stdout: options.stdout,
      cache: options.cache,
      onWarning: spokesmen(onEvent).onWarning,
    },
    options,
    onEvent,
  }
}

/** How the rooms below tell what is neither result nor error. */
export function spokesmen(onEvent: OnEvent) {
  return {
    onWarning: (message: string) => onEvent({ type: 'warning', message }),
    onNote: (message: string) => onEvent({ type: 'note', message }),
  }
}
