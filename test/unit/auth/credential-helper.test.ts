import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import {
  type CredentialHelperOptions,
  credentialHelper,
  runCredentialHelper,
} from '../../../src/auth/credential-helper.ts'
import { isDrayError } from '../../../src/errors.ts'
import { answers, testWithHelpers, writeHelper } from '../../support/credential-helper.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

// Each test starts a program or two, which may take its time on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

/** Asks the helper `test`, whose program is this. */
function setUp(body: string, options: Partial<CredentialHelperOptions> = {}) {
  const directory = temporaryDirectory()
  const file = writeHelper(directory, 'test', body)
  const all = { path: directory, env: {}, platform: process.platform, ...options }
  return { directory, file, all, get: (server = 'reg.io') => credentialHelper(all)('test', server) }
}

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`no failure but ${JSON.stringify(value)}`),
    (error) => {
      if (!isDrayError(error)) throw error
      return error
    },
  )

describe('a helper that answers', () => {
  testWithHelpers.each([
    [answers('me', 'pw'), { kind: 'basic', username: 'me', password: 'pw' }],
    [answers('<token>', 'it'), { kind: 'identity-token', token: 'it' }],
    [
      `${answers('me', 'pw')}; console.error('a word of warning')`,
      expect.objectContaining({ username: 'me' }),
    ],
    ['console.log(JSON.stringify({ Username: "", Secret: "" }))', undefined],
    ['console.log("credentials not found in native keychain"); process.exit(1)', undefined],
    ['console.log("No stored credential for https://reg.io"); process.exitCode = 1', undefined],
  ])('%s gives %j', async (body, credential) => {
    expect(await setUp(body).get()).toEqual(credential)
  })

  testWithHelpers('is asked on stdin, with the action as its only argument, and once', async () => {
    const log = join(temporaryDirectory(), 'log')
    const record = `require('node:fs').appendFileSync(${JSON.stringify(log)}, process.argv.slice(2) + ' ' + input + '|');`
    const { all } = setUp(record + answers('me', 'pw'))
    const ask = credentialHelper(all)
    await Promise.all([
      ask('test', 'https://index.docker.io/v1/'),
      ask('test', 'https://index.docker.io/v1/'),
    ])
    await ask('test', 'reg.io:5000')
    expect(readFileSync(log, 'utf8')).toBe('get https://index.docker.io/v1/|get reg.io:5000|')
  })

  testWithHelpers.each(['store', 'erase'] as const)('does what it is told: %s', async (action) => {
    const { all } = setUp('console.log(action + " " + input)')
    expect(await runCredentialHelper('test', action, '{"Secret":"x"}', all)).toBe(
      `${action} {"Secret":"x"}\n`,
    )
  })

  testWithHelpers('may not read its stdin', async () => {
    const directory = temporaryDirectory()
    const file = join(directory, 'docker-credential-test')
    writeFileSync(file, '#!/bin/sh\nexec <&-\necho \'{"Username":"me","Secret":"pw"}\'\n')
    chmodSync(file, 0o755)
    const ask = credentialHelper({ path: directory, env: {}, platform: process.platform })
    expect(await ask('test', 'x'.repeat(1_000_000))).toMatchObject({ username: 'me' })
  })

  testWithHelpers('has our environment, but none of our own secrets', async () => {
    const env = { AWS_PROFILE: 'work', DRAY_PASSWORD: 'p1', dray_password: 'p2', DOCKER_AUTH_CONFIG: 'p3' }
    const body =
      'console.log(JSON.stringify({ Username: "me", Secret: Object.values(process.env).sort().join() }))'
    expect(await setUp(body, { env }).get()).toMatchObject({ password: 'work' })
  })

  testWithHelpers('is not waited for when a program that it started lives on', async () => {
    expect(await setUp(leavesOrphan() + answers('me', 'pw')).get()).toMatchObject({ username: 'me' })
  })
})

/** Starts a program that holds the helper's pipes as long as the test runs. */
function leavesOrphan(): string {
  const here = JSON.stringify(temporaryDirectory())
  const orphan = `setInterval(() => require('node:fs').existsSync(${here}) || process.exit(), 100)`
  const options = "{ stdio: 'inherit', detached: true }"
  return `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(orphan)}], ${options}).unref();`
}

describe('a helper that is broken', () => {
  testWithHelpers.each<[string, string, string, Partial<CredentialHelperOptions>]>([
    [
      'fails with its words on stdout',
      'console.log("the keychain is locked"); process.exit(1)',
      'docker-credential-test failed (exit code 1): the keychain is locked',
      {},
    ],
    [
      'fails with its words on stderr',
      'console.error("\\u001b[31mno DISPLAY\\n"); process.exit(2)',
      'docker-credential-test failed (exit code 2): \\u{1b}[31mno DISPLAY',
      {},
    ],
    [
      'fails without a word',
      'process.exit(3)',
      'docker-credential-test failed (exit code 3) and did not say why',
      {},
    ],
    [
      'is killed',
      'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 5000)',
      'docker-credential-test was killed and did not say why',
      {},
    ],
    [
      'hangs',
      'setInterval(() => {}, 1000)',
      'docker-credential-test gave no answer within 0.5 s',
      { timeout: 500 },
    ],
    [
      'floods',
      'process.stdout.write("x".repeat(2 ** 20 + 1)); setInterval(() => {}, 1000)',
      'docker-credential-test answered with more than 1 MiB',
      {},
    ],
    [
      'answers with something else',
      'console.log("Enter your password:")',
      'docker-credential-test answered with something that is not a credential in JSON',
      {},
    ],
    [
      'answers with another object',
      'console.log("{}")',
      'docker-credential-test answered with something that is not a credential in JSON',
      {},
    ],
    [
      'has no secret',
      answers('me', ''),
      'docker-credential-test knows a user name, but no password for it',
      {},
    ],
  ])('because it %s is told as such', async (_, body, message, options) => {
    const error = await failureOf(setUp(body, options).get())
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', message, hint: expect.any(String) })
  })

  testWithHelpers('because it cannot be started is told as such', async () => {
    const { file, get } = setUp('')
    writeFileSync(file, '#!/nowhere/to/be/found\n')
    expect((await failureOf(get())).message).toMatch(
      /^docker-credential-test could not be started \([A-Z]+\)$/,
    )
  })

  testWithHelpers('and leaves a program behind that holds its pipes does not hang us', async () => {
    const { get } = setUp(`${leavesOrphan()} setInterval(() => {}, 1000)`, { timeout: 500 })
    expect((await failureOf(get())).message).toContain('gave no answer')
  })

  testWithHelpers('never has its secrets quoted', async () => {
    const { all } = setUp(`
      console.error('debug: password=hunter1 token: "hunter2" secret:hunter3')
      console.error('cannot keep', JSON.parse(input).Secret, input, 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9hunter5hunter5')
      process.exit(1)`)
    const input = JSON.stringify({ ServerURL: 'reg.io', Username: 'me', Secret: 'hunter4' })
    const error = await failureOf(runCredentialHelper('test', 'store', input, all))
    expect(error.message).toContain('debug: password=***')
    expect(String(error) + error.hint).not.toContain('hunter')
  })

  testWithHelpers('that fails after its answer has that not quoted', async () => {
    const error = await failureOf(setUp(`${answers('me', 'hunter2')}; process.exitCode = 1`).get())
    expect(error.message).not.toContain('hunter2')
  })
})

testWithHelpers('a helper is ended when the pull is', async () => {
  const alive = join(temporaryDirectory(), 'alive')
  const body = `setInterval(() => require('node:fs').writeFileSync(${JSON.stringify(alive)}, String(Date.now())), 20)`
  const controller = new AbortController()
  const failure = failureOf(setUp(body, { signal: controller.signal }).get())
  while (!existsSync(alive)) await wait(20)
  controller.abort()
  expect((await failure).code).toBe('ABORTED')
  await wait(200)
  const last = readFileSync(alive, 'utf8')
  await wait(200)
  expect(readFileSync(alive, 'utf8')).toBe(last)
})

describe('a helper is found', () => {
  const ask = (helper: string, path: string) =>
    credentialHelper({ path, env: {}, platform: process.platform })(helper, 'reg.io')

  test('nowhere, and that is told as such', async () => {
    const error = await failureOf(ask('none', temporaryDirectory()))
    expect(error).toMatchObject({
      code: 'UNAUTHORIZED',
      message: 'docker-credential-none is not on the PATH',
    })
  })

  testWithHelpers('in the first directory of PATH that has a program of that name', async () => {
    const [notExecutable, isDirectory, first, second] = Array.from({ length: 4 }, temporaryDirectory)
    if (!notExecutable || !isDirectory || !first || !second) throw new Error('no directories')
    chmodSync(writeHelper(notExecutable, 'test', answers('not', 'x')), 0o644)
    mkdirSync(join(isDirectory, 'docker-credential-test'))
    writeHelper(first, 'test', answers('first', 'x'))
    writeHelper(second, 'test', answers('second', 'x'))
    const path = [notExecutable, isDirectory, first, second].join(delimiter)
    expect(await ask('test', path)).toMatchObject({ username: 'first' })
  })

  test.each(['../evil', 'a/b', 'a\\b', '', '-x', '.x', 'a..b', 'a b', 'a;b', 'a\nb', '$(x)', 'ä'])(
    'only by a safe name, not by %j',
    async (name) => {
      const error = await failureOf(ask(name, temporaryDirectory()))
      expect(error).toMatchObject({
        code: 'UNAUTHORIZED',
        message: `${JSON.stringify(name)} cannot be the name of a credential helper`,
      })
    },
  )

  testWithHelpers.each(['reg.io\nhost=evil.io', 'reg.io\r', 'reg.io\0'])(
    'but not asked for a server that is called %j',
    async (server) => {
      const error = await failureOf(setUp(answers('me', 'pw')).get(server))
      expect(error.message).toContain('control characters')
    },
  )
})
