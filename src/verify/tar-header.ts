export type TarType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hard link'
  | 'device'
  | 'FIFO'
  /** Says something about the entry that follows. */
  | 'pax'
  | 'long name'
  | 'long target'
  /** Says something about the archive. */
  | 'global'
  | 'unknown'

/** What stands in one header block. */
export interface TarHeader {
  readonly type: TarType
  readonly name: string
  /** What a link points to. */
  readonly target: string
  /** In bytes; NaN where no number that a file can have stands there. */
  readonly size: number
}

const blockSize = 512

/** Reads a block as a tar header: v7, ustar or GNU. Undefined when its checksum is wrong, so that it is none, or a damaged one. */
export function decodeTarHeader(block: Buffer): TarHeader | undefined {
  const sums = checksums(block)
  if (!sums.includes(decodeNumber(block, 148, 8))) return undefined
  const short = decodeText(block, 0, 100)
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? decodeText(block, 345, 155) : ''
  const name = prefix === '' ? short : `${prefix}/${short}`
  const type = types[String.fromCharCode(block[156] ?? 0)] ?? 'unknown'
  return {
    type: type === 'file' && name.endsWith('/') ? 'directory' : type,
    name,
    target: decodeText(block, 157, 100),
    size: decodeNumber(block, 124, 12),
  }
}

const types: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hard link',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'FIFO',
  x: 'pax',
  g: 'global',
  L: 'long name',
  K: 'long target',
}

/** Of all bytes, those of the checksum itself taken for spaces; old programs added signed bytes. */
function checksums(block: Buffer): readonly number[] {
  let unsigned = 0
  let signed = 0
  for (let at = 0; at < blockSize; at++) {
    const byte = at >= 148 && at < 156 ? 32 : (block[at] ?? 0)
    unsigned += byte
    signed += byte < 128 ? byte : byte - 256
  }
  return [unsigned, signed]
}

/** Octal digits, or from 8 GiB on base 256. */
function decodeNumber(block: Buffer, start: number, length: number): number {
  const field = block.subarray(start, start + length)
  if (field[0] === 0x80) return decodeBase256(field.subarray(1))
  const digits = field
    .toString('latin1')
    .replace(/\0[\s\S]*$/, '')
    .trim()
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN
}

function decodeBase256(bytes: Buffer): number {
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  return Number.isSafeInteger(value) ? value : Number.NaN
}

function decodeText(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? length : end)
}

/** The records of a PAX header (POSIX pax, "pax Header Block"); undefined when they are malformed. */
export function decodePax(bytes: Buffer): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at)
    const digits = bytes.toString('latin1', at, Math.max(space, at))
    const end = at + (/^[1-9]\d{0,7}$/.test(digits) ? Number(digits) : 0)
    const equals = bytes.indexOf('=', space)
    const fits = end > space && end <= bytes.length && equals > space && equals < end
    if (!fits || bytes[end - 1] !== '\n'.charCodeAt(0)) return undefined
    records.set(bytes.toString('utf8', space + 1, equals), bytes.toString('utf8', equals + 1, end - 1))
    at = end
  }
  return records
}
