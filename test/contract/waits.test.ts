import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'vitest'
import { status } from '../support/faults/answers.ts'
import { fin, silence } from '../support/faults/body.ts'
import { type Fault, spoil } from '../support/faults/fault.ts'
import { createWorld } from '../support/faults/world.ts'
import { registry, withTokenAuth } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'
import { serve } from '../support/serve.ts'

const { content, image, layer } = await createWorld()
const date = 'Wed, 21 Oct 2026 07:28:00 GMT'
const later = 'Wed, 21 Oct 2026 07:31:00 GMT'

interface Wait {
  /** Which requests lead to it. */
  readonly at: string
  readonly meet?: readonly Fault[]
  readonly forever: Fault
  /** What is said about it, when it has begun. */
  readonly says: RegExp
  readonly left?: readonly string[]
}

const partial = join('image.tar.partial', 'blobs', 'sha256', `${layer.digest.slice(7)}.partial`)

const waits: Readonly<Record<string, Wait>> = {
  'for as many seconds as the registry wants': {
    at: '/manifests/',
    forever: status(429, '', { 'retry-after': '180' }),
    says: /^manifest from .*: retrying in 3 min \(1\/6\): .* answered 429$/m,
  },
  'until the date that the registry wants': {
    at: '/manifests/',
    forever: status(503, '', { date, 'retry-after': later }),
    says: /^manifest from .*: retrying in 3 min \(1\/6\): .* answered 503$/m,
  },
  'for as long as the token server wants': {
    at: '/token',
    forever: status(429, '', { 'retry-after': '180' }),
    says: /^token from .*: retrying in 3 min \(1\/6\): .* answered 429$/m,
  },
  'for the config': {
    at: image.configDigest,
    forever: status(503, '', { 'retry-after': '180' }),
    says: /^blob from .*: retrying in 3 min \(1\/6\): .* answered 503$/m,
  },
  'for as long as the registry wants in the middle of a layer': {
    at: layer.digest,
    meet: [fin(0.5)],
    forever: status(503, '', { 'retry-after': '180' }),
    says: /^blob from .*: retrying in 3 min \(1\/6\): .* answered 503$/m,
    left: [partial],
  },
  'that gets longer from try to try': {
    at: layer.digest,
    forever: fin(0),
    says: /^blob [0-9a-f]{12} of app: retrying in .* s \(3\/6\): the server .* closed the connection too early$/m,
  },
  'for the first byte of a layer': {
    at: layer.digest,
    forever: silence,
    says: /waiting for the server$/m,
  },
}

describe.concurrent('a wait is seen, and ends at once with an interruption, with nothing left:', () => {
  for (const [words, { at, meet = [], forever, says, left = [] }] of Object.entries(waits)) {
    test(words, { timeout: 60_000 }, async ({ expect, onTestFinished }) => {
      const guarded = withTokenAuth(registry(content))
      const isMeant = ({ url = '', headers }: IncomingMessage) =>
        url.includes(at) && (at === '/token' || headers.authorization !== undefined)
      const server = await serve(spoil(guarded, { at: isMeant, meet, forever }))
      onTestFinished(() => server.close())
      const work = temporary(onTestFinished)

      const args = [
        '--plain-http',
        '--progress',
        'plain',
        '-o',
        join(work, 'image.tar'),
        `${server.host}/app:1`,
      ]
      const { exitCode, stderr } = await runDray(args, {
        home: temporary(onTestFinished),
        onStart: (child) => interruptWhen(says, child),
      })

      expect({ exitCode, stderr }).toEqual({
        exitCode: 130,
        stderr: expect.stringMatching(/^dray: interrupted by SIGINT$/m),
      })
      expect(stderr).toMatch(says)
      // Whoever is killed after a while, since the wait did not end, leaves the beginning of an archive.
      expect(filesIn(work)).toEqual(left)
    })
  }
})

function interruptWhen(says: RegExp, child: ChildProcess): void {
  let said = ''
  const listen = (bytes: Buffer) => {
    said += bytes
    if (!says.test(said)) return
    child.stderr?.off('data', listen)
    child.kill('SIGINT')
  }
  child.stderr?.on('data', listen)
}

function temporary(onTestFinished: TestContext['onTestFinished']): string {
  const directory = mkdtempSync(join(tmpdir(), 'dray-wait-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Everything in a directory but directories that hold something. */
function filesIn(directory: string): readonly string[] {
  const names = readdirSync(directory, { recursive: true }).map(String).sort()
  return names.filter((name) => !names.some((other) => other.startsWith(join(name, '/'))))
}
