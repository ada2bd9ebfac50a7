import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../../.build/build.js', import.meta.url))

/** Builds dist/ before the first test that runs it; once, however many test projects ask. */
export async function setup(): Promise<void> {
  const shared = globalThis as { drayBuild?: Promise<void> }
  shared.drayBuild ??= build()
  await shared.drayBuild
}

async function build(): Promise<void> {
  const [code] = await once(spawn(process.execPath, [script], { stdio: 'inherit' }), 'exit')
  if (code !== 0) throw new Error(`the build exited with ${code}`)
}
