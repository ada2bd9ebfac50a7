import { DrayError } from '../errors.ts'
import { type Digest, parseDigest } from './digest.ts'
import { expectObject, isAbsent, type JsonObject, optionalString } from './json.ts'
import { decodePlatform, type Platform } from './platform.ts'

/**
 * Points at content by what it is: OCI image-spec descriptor.md. Its `urls`, other places to fetch the content from,
 * are not even read: whoever made the manifest could send a client anywhere with them (CVE-2020-15157).
 */
export interface Descriptor {
  /** Empty where an old tool left it out. */
  readonly mediaType: string
  readonly digest: Digest
  /** In bytes, of the content as served. */
  readonly size: number
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
}

/** Checks a descriptor in a manifest or index; `what` names it in messages. Throws INTEGRITY. */
export function decodeDescriptor(value: unknown, what: string): Descriptor {
  const object = expectObject(value, what)
  const platform = isAbsent(object.platform)
    ? undefined
    : decodePlatform(expectObject(object.platform, what), what)
  const annotations = isAbsent(object.annotations) ? undefined : decodeAnnotations(object.annotations, what)
  return {
    mediaType: optionalString(object, 'mediaType', what) ?? '',
    digest: parseDigest(object.digest),
    size: decodeSize(object, what),
    ...(platform && { platform }),
    ...(annotations && { annotations }),
  }
}

function decodeSize({ size }: JsonObject, what: string): number {
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size
  throw new DrayError('INTEGRITY', `size of ${what} must be a whole number of bytes`)
}

function decodeAnnotations(value: unknown, what: string): Readonly<Record<string, string>> {
  const annotations = expectObject(value, `annotations of ${what}`)
  if (isStringRecord(annotations)) return annotations
  throw new DrayError('INTEGRITY', `annotations of ${what} must be strings`)
}

function isStringRecord(object: JsonObject): object is Readonly<Record<string, string>> {
  return Object.values(object).every((value) => typeof value === 'string')
}
