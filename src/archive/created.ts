const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/

/** The `created` of a config as seconds since 1970, rounded down; 0 when it is missing, before 1970 or no RFC 3339 time. */
export function createdSeconds(created: string | undefined): number {
  const milliseconds = created !== undefined && rfc3339.test(created) ? Date.parse(created) : Number.NaN
  return Number.isNaN(milliseconds) ? 0 : Math.max(0, Math.floor(milliseconds / 1000))
}

/** The `created` of a config as Go prints it (RFC3339Nano); the year 1 when it is missing or no RFC 3339 time. */
export function goTime(created: string | undefined): string {
  const [, seconds, digits = '', zone = ''] = rfc3339.exec(created ?? '') ?? []
  if (seconds === undefined) return '0001-01-01T00:00:00Z'
  const fraction = digits.slice(0, 9).replace(/0+$/, '')
  return `${seconds}${fraction && `.${fraction}`}${/[1-9]/.test(zone) ? zone : 'Z'}`
}
