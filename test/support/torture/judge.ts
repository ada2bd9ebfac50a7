import { relative } from 'node:path'
import type { StruckCall } from './fault.ts'
import type { Finished } from './run-command.ts'
import type { Scene, Snapshot } from './scene.ts'
import type { Variation } from './variations.ts'

/** What a command has made of a directory. */
export interface Outcome extends Finished {
  readonly before: Snapshot
  readonly after: Snapshot
  readonly openFiles: number
  /** How many calls came after it had ended. */
  readonly later: number
  /** Undefined when nothing was. */
  readonly struck: StruckCall | undefined
}

export interface Case {
  readonly scene: Scene
  readonly variation: Variation
  /** The same command when nothing goes wrong. */
  readonly clean: Outcome
}

/** What is wrong with what a command came to; nothing as a rule. */
export function judge(outcome: Outcome, about: Case): readonly string[] {
  const { exitCode, uncaught, openFiles, later } = outcome
  const { exitCodes = [0, 7] } = about.variation
  const complaints = [
    ...uncaught.map((error) => `nobody caught ${error instanceof Error ? error.stack : String(error)}`),
    ...(openFiles > 0 ? [`${openFiles} files are still open`] : []),
    ...(later > 0 ? [`it goes on when it has ended: ${later} calls`] : []),
    ...judgeBlobs(outcome),
    ...judgeForeign(outcome, about),
  ]
  if (exitCode === 'hangs') return [...complaints, 'it hangs']
  if (!exitCodes.includes(exitCode))
    complaints.push(`the exit code is ${exitCode}: ${outcome.stderr.slice(0, 300)}`)
  const isDone = exitCode === about.clean.exitCode
  return [...complaints, ...(isDone ? judgeSuccess(outcome, about) : judgeFailure(outcome, about))]
}

/** What has the name of a digest is what the name says. */
function judgeBlobs({ before, after }: Outcome): readonly string[] {
  return [...after]
    .filter(([path, digest]) => {
      const name = /\/blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1]
      return name !== undefined && name !== digest && before.get(path) !== digest
    })
    .map(([path]) => `${path} is another blob`)
}

function judgeForeign({ before, after }: Outcome, { scene, variation }: Case): readonly string[] {
  const foreign = variation.foreign?.(scene) ?? []
  return foreign.filter((path) => before.get(path) !== after.get(path)).map((path) => `${path} was not ours`)
}

function judgeSuccess({ before, after, stdout, struck }: Outcome, about: Case): readonly string[] {
  const { clean, variation } = about
  const complaints: string[] = []
  const isForbidden = struck && mayDoWithout(struck, about)
  if (struck && !isForbidden && mustBeKnown(struck, variation)) complaints.push('a failure went unnoticed')
  if (!stdout.equals(clean.stdout)) complaints.push(`stdout is another one: ${excerpt(stdout)}`)
  for (const path of new Set([...clean.after.keys(), ...after.keys()])) {
    if (clean.after.get(path) === after.get(path)) continue
    const mayStay =
      variation.lingers?.test(path) ||
      (isForbidden && variation.dispensable?.test(path)) ||
      (struck && !variation.results.includes(path) && (before.has(path) || mayLeave(struck, path)))
    if (!mayStay) complaints.push(`${path} is ${after.has(path) ? 'not as it should be' : 'missing'}`)
  }
  return complaints
}

/** A directory that is not ours to use is told of, and not used; the result is the same. */
function mayDoWithout({ kind, operation, path }: StruckCall, { variation, scene }: Case): boolean {
  const isAboutUse = kind === 'EACCES' && /^(mkdir|access|lstat|stat)$/.test(operation)
  return isAboutUse && variation.dispensable?.test(relative(scene.directory, path)) === true
}

/** What has not got to the disk, or not under its name, is not there. */
function mustBeKnown({ kind, operation, path }: StruckCall, { isJudged }: Variation): boolean {
  if (kind.startsWith('short')) return false
  if (/^(write|writev|writeFile|truncate|create|mkdir)$/.test(operation)) return true
  return operation === 'sync' && /\.partial$/.test(path) && !isJudged
}

/** Cleaning up is done as well as it can be: what one call was to remove, or to find, is left to a later command. */
function mayLeave({ kind, operation }: StruckCall, path: string): boolean {
  const isAboutCleaning = /^(rm|rmdir|unlink|readdir|opendir|lstat|stat)$/.test(operation)
  // Where no file can be opened any more, no directory can be read either.
  return (isAboutCleaning || kind === 'EMFILE') && ours.test(path)
}

const claimName = '\\.[0-9a-f]{8}-[1-9]\\d*-[0-9a-f]{8}\\.partial'
const ours = new RegExp(
  [
    `work/image\\.tar\\.partial/.*`,
    `work/\\.[^/]*${claimName}`,
    `tmp/dray${claimName}/.*`,
    `cache/blobs/sha256/[0-9a-f]{64}${claimName}`,
    `home/\\.docker/config\\.json\\.lock`,
    `home/\\.docker/\\.config\\.json\\.[0-9a-f]{12}`,
  ]
    .map((path) => `^${path}$`)
    .join('|'),
)

function judgeFailure({ before, after, stdout, stderr, struck }: Outcome, about: Case): readonly string[] {
  const { clean, variation } = about
  const { results, mayHaveResult = false, leaves, streams = false, foreign } = variation
  const complaints: string[] = []
  if (!/^\S/.test(stderr)) complaints.push('it does not say why')
  if (/\n {4}at /.test(stderr)) complaints.push('it prints a stack')
  const isBeginning = streams && clean.stdout.subarray(0, stdout.length).equals(stdout)
  if (stdout.length > 0 && !isBeginning) complaints.push(`stdout has ${excerpt(stdout)}`)
  for (const path of results) {
    const [old, now, done] = [before, after, clean.after].map((each) => each.get(path))
    const isGone = now === undefined && path.endsWith('.sha256')
    if (now !== old && !(mayHaveResult && (now === done || isGone)))
      complaints.push(`${path} is neither old nor new`)
  }
  if (!/^(rm|lstat|unlink)$/.test(struck?.operation ?? '') && contradictsChecksum(after, about))
    complaints.push('the checksum is that of another archive')
  for (const path of after.keys()) {
    const mayStay = before.has(path) || results.includes(path) || leaves?.test(path)
    const couldNotGo = struck !== undefined && mayLeave(struck, path)
    if (!mayStay && !couldNotGo && !foreign) complaints.push(`${path} is left over`)
  }
  return complaints
}

function contradictsChecksum(after: Snapshot, { clean, variation }: Case): boolean {
  const [archive = '', checksum = ''] = variation.results
  const isNew = (path: string) => after.get(path) === clean.after.get(path)
  return after.has(checksum) && isNew(archive) !== isNew(checksum)
}

function excerpt(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 300).toString())
}
