import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { addImage, type BuiltLayer, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import { type RunOptions, runDray } from '../support/run-dray.ts'
import type { Handler, TestServer } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const onWindows = process.platform === 'win32'

async function manyLayers(count: number, size = 64 * 1024) {
  const layers = await Promise.all(
    Array.from({ length: count }, (_, i) => buildLayer({ [`noise${i}`]: randomBytes(size) })),
  )
  const content = createContent()
  addImage(content, buildImage({ layers }), 'app:1')
  return { content, layers }
}

/** Pulls into a directory of the test's own, and says what came of it. */
async function pull(server: TestServer, args: readonly string[], options: RunOptions = {}) {
  const directory = temporaryDirectory()
  const output = join(directory, 'image.tar')
  const usual = ['--plain-http', '--name', 'app:1', '-o', output]
  const result = await runDray([...usual, ...args, `${server.host}/app:1`], options)
  return { ...result, output, files: readdirSync(directory) }
}

function expectWhole(
  { exitCode, stderr, output, files }: Awaited<ReturnType<typeof pull>>,
  layers: readonly BuiltLayer[],
): void {
  expect({ exitCode, stderr, files }).toEqual({ exitCode: 0, stderr, files: ['image.tar'] })
  const archive = readFileSync(output)
  expect(layers.filter(({ tar }) => !archive.includes(tar))).toEqual([])
}

describe.skipIf(onWindows)('a pull ends well', () => {
  test('that may open few files at once, with many layers and jobs', async () => {
    const { content, layers } = await manyLayers(45)
    const server = await serveDuringTest(registry(content))
    const through = ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh']
    expectWhole(await pull(server, ['-j', '8', '--progress', 'none'], { through }), layers)
  })

  test('that has one thread for files, names and checks', async () => {
    const { content, layers } = await manyLayers(20)
    const server = await serveDuringTest(registry(content))
    const env = { UV_THREADPOOL_SIZE: '1' }
    expectWhole(await pull(server, ['-j', '8', '--progress', 'none'], { env }), layers)
  })

  test('that was suspended in the middle of a layer, for longer than its patience', async () => {
    const { content, layers } = await manyLayers(2, 512 * 1024)
    let suspend = () => {}
    const server = await serveDuringTest(inHalves(registry(content), () => suspend()))
    const result = await pull(server, ['--progress', 'none', '--timeout', '1', '--retries', '1', '-j', '1'], {
      onStart(child) {
        suspend = async () => {
          suspend = () => {}
          child.kill('SIGSTOP')
          await sleep(4000)
          child.kill('SIGCONT')
        }
      },
    })
    expectWhole(result, layers)
  })
})

/** The first half of each layer at once, and the other soon after. */
function inHalves(next: Handler, onHalf: () => void): Handler {
  return (request, response) => {
    if (!request.url?.includes('/blobs/')) return next(request, response)
    const { end } = response
    response.end = ((bytes: Buffer = Buffer.alloc(0)) => {
      const half = bytes.length >> 1
      if (half > 1000) onHalf()
      response.write(bytes.subarray(0, half))
      setTimeout(() => Reflect.apply(end, response, [bytes.subarray(half)]), 100)
      return response
    }) as typeof response.end
    return next(request, response)
  }
}

const isRoot = process.getuid?.() === 0

describe.skipIf(onWindows)('a cache that this user may not write to', () => {
  test.each(['cache', 'cache/blobs', 'cache/blobs/sha256'])(
    'is done without, which is told, when it is %s that says no',
    async (name) => {
      const { content, layers } = await manyLayers(1)
      const server = await serveDuringTest(registry(content))
      const home = temporaryDirectory()
      chmodSync(home, 0o777)
      const output = join(home, 'out', 'image.tar')
      for (const directory of ['out', name]) mkdirSync(join(home, directory), { recursive: true })
      const places = ['cache', 'cache/blobs', 'cache/blobs/sha256'].filter((each) => name.startsWith(each))
      for (const each of places) chmodSync(join(home, each), each === name ? 0o555 : 0o777)
      chmodSync(join(home, 'out'), 0o777)

      const args = ['--plain-http', '--progress', 'plain', '--cache', join(home, 'cache'), '-o', output]
      const { exitCode, stderr } = await runDray([...args, `${server.host}/app:1`], {
        home,
        ...(isRoot && { uid: 65_534 }),
      })

      expectWhole({ exitCode, stderr, stdout: '', output, files: readdirSync(join(home, 'out')) }, layers)
      expect(stderr).toMatch(/^warning: cannot .*cache.*: permission denied; going on without the cache$/m)
    },
  )
})

const hasPython = !onWindows && spawnSync('python3', ['-c', 'import pty']).status === 0

/** Runs what follows on a terminal of so many columns, and passes on what it shows. */
const onTerminal = (columns: number) => [
  'python3',
  '-c',
  `
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 0, ${columns}, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    try:
        shown = os.read(terminal, 65536)
    except OSError:
        break
    if not shown:
        break
    os.write(1, shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`,
]

describe.skipIf(!hasPython)('a terminal', () => {
  test.each([0, 1, 19])('that says it has %d columns gets plain lines', async (columns) => {
    const { content, layers } = await manyLayers(1)
    const server = await serveDuringTest(registry(content))
    const result = await pull(server, ['--progress', 'tty'], { through: onTerminal(columns) })
    expectWhole(result, layers)
    expect(result.stdout).toMatch(/^[0-9a-f]{12}: done, /m)
    expect(result.stdout).not.toContain('\u001b[?25l')
  })
})
