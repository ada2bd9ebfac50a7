import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'

/** Tests with helpers of their own making: a program that needs no compiler is a script, which Windows does not start. */
export const testWithHelpers = process.platform === 'win32' ? test.skip : test

/**
 * Writes `docker-credential-<name>` into a directory. `body` is JavaScript that knows `action`, the first argument, and
 * `input`, all of stdin.
 */
export function writeHelper(directory: string, name: string, body: string): string {
  const file = join(directory, `docker-credential-${name}`)
  const program = `#!${process.execPath}
const [, , action] = process.argv
const input = require('node:fs').readFileSync(0, 'utf8')
${body}
`
  writeFileSync(file, program)
  chmodSync(file, 0o755)
  return file
}

/** The body of a helper that knows one login, for every server. */
export function answers(username: string, secret: string): string {
  return `console.log(JSON.stringify({ ServerURL: input, Username: '${username}', Secret: '${secret}' }))`
}
