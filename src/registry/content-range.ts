/** Which bytes a 206 holds: RFC 9110 section 14.4. */
export interface ContentRange {
  readonly start: number
  /** Of the last byte. */
  readonly end: number
  /** Undefined when the server says `*`. */
  readonly total: number | undefined
}

/** Reads `bytes START-END/TOTAL`; undefined for anything else, the unsatisfied form of a 416 included. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const [, start, end, total] =
    /^bytes[ =](\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(header?.trim() ?? '') ?? []
  if (start === undefined || end === undefined || Number(end) < Number(start)) return undefined
  if (total === '*') return { start: Number(start), end: Number(end), total: undefined }
  return Number(end) < Number(total)
    ? { start: Number(start), end: Number(end), total: Number(total) }
    : undefined
}
