import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { isDrayError, systemErrorCode } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { fileError } from '../streams/file-error.ts'
import { findChecksum } from './checksum-lines.ts'
import type { Verdict } from './verdict.ts'
import { verifyArchive } from './verify-archive.ts'

export { verifyArchive }

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
  const text = await readSmallFile(file)
  if (text === undefined) return undefined
  try {
    return { file, digest: findChecksum(text, basename(path), file) }
  } catch (error) {
    if (!isDrayError(error, 'INTEGRITY')) throw error
    return { file, problem: error.message }
  }
}

/** As much as a checksum file of many lines has. */
const largestChecksumFile = 1024 * 1024

async function readSmallFile(path: string): Promise<string | undefined> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(largestChecksumFile),
        0,
        largestChecksumFile,
        0,
      )
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemErrorCode(error) ?? '')) return undefined
    throw fileError(`read ${path}`, error)
  }
}

function withProblem(verdict: Verdict, { file, problem }: { file: string; problem: string }): Verdict {
  const problems = [...verdict.problems, { kind: 'broken', place: file, message: problem } as const]
  return { ...verdict, ok: false, checksumFile: file, problems, engines: [] }
}
