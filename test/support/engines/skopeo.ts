import { createHash } from 'node:crypto'
import { run } from './run.ts'

/** The image id of what skopeo finds at a place (`docker://…`, `docker-archive:…`): the digest of its config. */
export async function imageIdBySkopeo(place: string): Promise<string> {
  return digestOf(await skopeo(['inspect', '--config', '--raw', ...unverified(place), place]))
}

/** The digest of the manifest that is served at a place; of the index where there is one. */
export async function manifestDigestBySkopeo(place: string, ...options: string[]): Promise<string> {
  return digestOf(await skopeo([...options, 'inspect', '--raw', ...unverified(place), place]))
}

/** Copies an image from one place to another, both of plain http where they are registries. */
export async function skopeoCopy(from: string, to: string): Promise<void> {
  await skopeo(['copy', '--quiet', '--src-tls-verify=false', '--dest-tls-verify=false', from, to])
}

// The exact bytes count: whatever white space is at their end belongs to the digest.
async function skopeo(args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run('skopeo', args)
  if (exitCode !== 0) throw new Error(`skopeo ${args.join(' ')}: ${stderr}`)
  return stdout
}

function unverified(place: string): readonly string[] {
  return place.startsWith('docker://') ? ['--tls-verify=false'] : []
}

function digestOf(bytes: string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
