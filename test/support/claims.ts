import { spawnSync } from 'node:child_process'
import { createClaim } from '../../src/streams/claim.ts'

/** Names as other processes claim them. */
export const claimedBy = {
  /** One of this machine that has ended. */
  dead: (stem: string) => claimName(stem, thisMachine(), endedProcess()),
  /** One of this machine that lives. */
  living: (stem: string) => claimName(stem, thisMachine(), process.ppid),
  /** One of another machine or container. */
  stranger: (stem: string) => claimName(stem, 'ffffffff', 1),
}

let count = 0

function claimName(stem: string, machine: string, pid: number): string {
  count += 1
  return `${stem}.${machine}-${pid}-${count.toString(16).padStart(8, '0')}.partial`
}

function thisMachine(): string {
  const claim = createClaim('')
  claim.end()
  return claim.path.slice(1, 9)
}

function endedProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}
