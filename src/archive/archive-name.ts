import { DrayError } from '../errors.ts'
import { digestHex } from '../oci/digest.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { familiarName, formatReference, parseReference, type Reference } from '../oci/reference.ts'

/** Names that Windows reserves for devices, whatever the extension. */
const reservedOnWindows = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i
const maxLength = 120

/**
 * The file name an archive gets when the user names none: `nginx_alpine.tar`, `ghcr.io_org_app_1.2.tar`, a digest by
 * its first 12 hex digits, a platform that is not the default appended, several images `images.tar`. It holds only
 * letters, digits, `.`, `_` and `-`, and is a valid file name on every system.
 */
export function archiveFileName(references: readonly Reference[], unusualPlatform?: Platform): string {
  const [reference, ...others] = references
  const stem = reference && others.length === 0 ? imageStem(reference) : 'images'
  const parts = unusualPlatform ? [stem, formatPlatform(unusualPlatform)] : [stem]
  return `${safe(parts.join('_'))}.tar`
}

function imageStem(reference: Reference): string {
  const digest = reference.digest && digestHex(reference.digest).slice(0, 12)
  return [familiarName(reference), reference.tag, digest].filter(Boolean).join('_')
}

function safe(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, maxLength)
  return reservedOnWindows.test(plain) ? `image_${plain}` : plain
}

/**
 * What an image is called once it is loaded, in full: the wish, or else the name and tag of the reference. Undefined
 * for a pull by digest, for no engine takes a digest as a name. Throws USAGE.
 */
export function archivedName(reference: Reference, wish: string | undefined): string | undefined {
  const named = wish === undefined ? reference : parseReference(wish)
  if (wish !== undefined && named.digest) {
    throw new DrayError('USAGE', `the name ${wish} has a digest`, {
      hint: 'give a name and a tag, such as app:1',
    })
  }
  if (named.tag === undefined) return undefined
  if (named.registry.startsWith('[')) {
    throw new DrayError(
      'USAGE',
      `no engine loads an image whose name has an IPv6 address (${named.registry})`,
      {
        hint: 'give it another name with --name, such as --name app:1',
      },
    )
  }
  return formatReference({ registry: named.registry, repository: named.repository, tag: named.tag })
}
