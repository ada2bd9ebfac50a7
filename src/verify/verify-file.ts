import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { isDrayError, systemErrorCode } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { fileError } from '../streams/file-error.ts'
import { readSmallFile } from '../streams/read-small-file.ts'
import { findChecksum } from './checksum-lines.ts'
import type { Verdict } from './verdict.ts'
import { verifyArchive } from './verify-archive.ts'

export interface VerifyFileOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Verifies an archive in a file, and compares it with FILE.sha256 where there is one beside it. Throws FILE, as
 * {@link verifyArchive} does.
 */
export async function verifyFile(path: string, { signal }: VerifyFileOptions = {}): Promise<Verdict> {
  const checksum = await readChecksum(path)
  const source = createReadStream(path, { highWaterMark: 512 * 1024 })
  const expected = checksum && 'digest' in checksum ? checksum : undefined
  const verdict = await verifyArchive(source, { name: path, expected, signal })
  return checksum && 'problem' in checksum ? withProblem(verdict, checksum) : verdict
}

type Checksum =
  | { readonly file: string; readonly digest: Digest }
  | { readonly file: string; readonly problem: string }

async function readChecksum(path: string): Promise<Checksum | undefined> {
  const file = `${path}.sha256`
  const text = await readText(file)
  if (text === undefined) return undefined
  try {
    return { file, digest: findChecksum(text, basename(path), file) }
  } catch (error) {
    if (!isDrayError(error, 'INTEGRITY')) throw error
    return { file, problem: error.message }
  }
}

/** Beside an archive may lie anything: what is no file is not waited for. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readSmallFile(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemErrorCode(error) ?? '')) return undefined
    throw isDrayError(error) ? error : fileError(`read ${path}`, error)
  }
}

function withProblem(verdict: Verdict, { file, problem }: { file: string; problem: string }): Verdict {
  const problems = [...verdict.problems, { kind: 'broken', place: file, message: problem } as const]
  return { ...verdict, ok: false, checksumFile: file, problems, engines: [] }
}
