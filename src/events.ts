import type { Digest } from './oci/digest.ts'

/**
 * What a pull says while it runs, in the order in which it happens. Sizes are bytes, times milliseconds.
 * New types may be added; a reader ignores those that it does not know.
 */
export type PullEvent =
  /** The registry is being asked what the reference stands for. */
  | { readonly type: 'resolve'; readonly reference: string }
  /** It stands for this image; `layers` and `size` (as served) count each blob once. */
  | {
      readonly type: 'resolved'
      readonly reference: string
      readonly digest: Digest
      readonly platform: string
      readonly layers: number
      readonly size: number
    }
  /** A blob's turn has come; `received` bytes of it were kept from an earlier pull. */
  | { readonly type: 'blob-start'; readonly digest: Digest; readonly size: number; readonly received: number }
  | {
      readonly type: 'blob-progress'
      readonly digest: Digest
      readonly size: number
      readonly received: number
    }
  /** The blob is whole and verified; `cached` when nothing had to be downloaded. */
  | { readonly type: 'blob-done'; readonly digest: Digest; readonly size: number; readonly cached: boolean }
  /** Something failed in passing; it is tried again after `delay`. */
  | {
      readonly type: 'retry'
      readonly what: string
      readonly reason: string
      readonly attempt: number
      readonly attempts: number
      readonly delay: number
    }
  /** A request was answered, or failed; `url` and `headers` carry no secrets. */
  | {
      readonly type: 'request'
      readonly method: string
      readonly url: string
      readonly status?: number
      readonly error?: string
      readonly elapsed: number
      readonly requestHeaders: Readonly<Record<string, string>>
      readonly responseHeaders: Readonly<Record<string, string>>
    }
  /** Worth knowing, not a failure. */
  | { readonly type: 'warning'; readonly message: string }
  /** Which way was taken: the file that named a mirror, where a credential comes from. */
  | { readonly type: 'note'; readonly message: string }
  /** The archive is whole, at `path` (`-` for a stream). */
  | { readonly type: 'archive-done'; readonly path: string; readonly size: number }

export type OnEvent = (event: PullEvent) => void
