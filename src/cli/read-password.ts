import type { Readable } from 'node:stream'
import { DrayError } from '../errors.ts'
import { type Environment, variable } from './environment.ts'
import type { Flags } from './flags.ts'

/** A user name and a password as the user gave them. */
export interface UserAndPassword {
  readonly username: string
  readonly password: string
  /** Which flag or variable named the user: `-u`. */
  readonly from: string
}

export interface PasswordContext {
  readonly env: Environment
  /** Called only when the password is to be read from it. */
  readonly stdin: () => Readable & { readonly isTTY?: boolean }
}

/**
 * The user name and password of the command line, of stdin, or of DRAY_USERNAME and DRAY_PASSWORD; undefined when there
 * are neither. Throws USAGE for one without the other.
 */
export async function readPassword(
  flags: Pick<Flags, 'username' | 'passwordStdin'>,
  { env, stdin }: PasswordContext,
): Promise<UserAndPassword | undefined> {
  const username = checkUsername(flags.username || variable(env, 'DRAY_USERNAME'))
  const password = flags.passwordStdin ? await readStdin(stdin()) : variable(env, 'DRAY_PASSWORD')
  if (username && password) return { username, password, from: flags.username ? '-u' : 'DRAY_USERNAME' }
  if (username) {
    throw new DrayError('USAGE', `there is no password for the user ${username}`, {
      hint: 'pipe it in with --password-stdin, or set DRAY_PASSWORD',
    })
  }
  if (password) {
    throw new DrayError('USAGE', 'there is a password, but no user name', {
      hint: 'give one with -u, or set DRAY_USERNAME',
    })
  }
  return undefined
}

/** What stands behind a colon is, as in other programs, meant to be the password. */
function checkUsername(username: string | undefined): string | undefined {
  if (!username?.includes(':')) return username
  throw new DrayError('USAGE', 'a user name cannot have a colon in it', {
    hint: 'the password is not part of -u: use --password-stdin',
  })
}

async function readStdin(stdin: Readable & { readonly isTTY?: boolean }): Promise<string> {
  if (stdin.isTTY) {
    throw new DrayError('USAGE', '--password-stdin does not ask on a terminal', {
      hint: 'pipe the password in, as in … --password-stdin < password.txt',
    })
  }
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk))
  const password = Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '')
  if (password) return password
  throw new DrayError('USAGE', '--password-stdin found nothing on stdin')
}
