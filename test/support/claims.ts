import { spawn, spawnSync } from 'node:child_process'
import { Socket } from 'node:net'
import { createClaim } from '../../src/streams/claim.ts'

/** Names as other processes claim them. */
export const claimedBy = {
  /** One of this machine that has ended. */
  dead: (stem: string) => claimName(stem, thisMachine(), endedProcess()),
  /** One of this machine that lives. */
  living: (stem: string) => claimName(stem, thisMachine(), livingProcess()),
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

let living: number | undefined

/** It lives as long as this one; the one that started this one may end before. */
function livingProcess(): number {
  living ??= startProcess()
  return living
}

function startProcess(): number {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
  if (child.pid === undefined) throw new Error('no process can be started')
  return child.pid
}

function endedProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}
