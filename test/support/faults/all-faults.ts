import type { FaultRow } from './fault-row.ts'
import { breakRows } from './rows/breaks.ts'
import { certificateRows } from './rows/certificates.ts'
import { connectionRows } from './rows/connection.ts'
import { contentRows } from './rows/contents.ts'
import { fileRows } from './rows/files.ts'
import { proxyRows } from './rows/proxies.ts'
import { rangeRows } from './rows/ranges.ts'
import { redirectRows } from './rows/redirects.ts'
import { statusRows } from './rows/statuses.ts'
import { tokenRows } from './rows/tokens.ts'

/** Every fault that one machine can stage; those that are the same over TLS, over both. */
export const faultRows: readonly FaultRow[] = [
  ...breakRows,
  ...connectionRows,
  ...certificateRows,
  ...statusRows,
  ...rangeRows,
  ...redirectRows,
  ...contentRows,
  ...tokenRows,
  ...proxyRows,
  ...fileRows,
].flatMap(bothWays)

function bothWays(row: FaultRow): readonly FaultRow[] {
  if (row.tls !== 'both') return [row]
  const { tls: _, ...plain } = row
  return [plain, { ...row, fault: `${row.fault} (TLS)`, tls: 'server' }]
}
