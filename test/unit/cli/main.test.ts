import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { main } from '../../../src/cli/main.ts'
import type { Surroundings } from '../../../src/cli/surroundings.ts'
import { DrayError } from '../../../src/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { PullOptions, PullResult } from '../../../src/pull.ts'
import { FakeStream } from '../../support/fake-stream.ts'

const result: PullResult = {
  path: '/work/nginx.tar',
  format: 'docker',
  size: 1_500_000,
  images: [
    {
      reference: 'docker.io/library/nginx:latest',
      digest: digestOf('manifest'),
      imageId: digestOf('config'),
      platform: 'linux/amd64',
      layers: 1,
      size: 1_000_000,
    },
  ],
}

type FakePull = (references: readonly string[], options: PullOptions) => Promise<PullResult>

interface Given extends Partial<Surroundings> {
  readonly pull?: FakePull
  readonly stdout?: FakeStream
  readonly stderr?: FakeStream
}

async function dray(line: string, { pull = async () => result, ...given }: Given = {}) {
  const surroundings = {
    env: { DOCKER_CONFIG: '/none' },
    stdin: () => Readable.from([]),
    stdout: new FakeStream(),
    stderr: new FakeStream(),
    signals: new EventEmitter(),
    exit: vi.fn(),
    loadPull: async () => ({ pull: pull as Awaited<ReturnType<Surroundings['loadPull']>>['pull'] }),
    ...given,
  }
  const exitCode = await main(['node', 'dray', ...line.split(' ').filter(Boolean)], surroundings)
  return {
    exitCode,
    stdout: surroundings.stdout.text,
    stderr: surroundings.stderr.text,
    surroundings,
  }
}

const failing = (error: unknown) => async () => {
  throw error
}

describe('stdout', () => {
  test('carries the path of the archive, one line', async () => {
    expect(await dray('nginx')).toMatchObject({ exitCode: 0, stdout: '/work/nginx.tar\n', stderr: '' })
  })

  test('with --json carries the result as one JSON object', async () => {
    const { stdout, exitCode } = await dray('nginx --json')
    expect(exitCode).toBe(0)
    expect(stdout.split('\n')).toHaveLength(2)
    expect(JSON.parse(stdout)).toEqual(result)
  })

  test.each([
    [
      'a failed pull',
      'nginx --json',
      new DrayError('NOT_FOUND', 'not there', { hint: 'look' }),
      { code: 'NOT_FOUND', message: 'not there', hint: 'look', exitCode: 3 },
    ],
    ['a bug', 'nginx --json', new TypeError('oops'), { code: 'BUG', message: 'oops', exitCode: 1 }],
    ['a mistyped flag', '--json --nonsense', undefined, { code: 'USAGE', exitCode: 2 }],
  ])('with --json carries the error as one JSON object: %s', async (_, line, error, expected) => {
    const { stdout, stderr, exitCode } = await dray(line, { pull: failing(error) })
    expect(stdout.split('\n')).toHaveLength(2)
    expect(JSON.parse(stdout)).toEqual({ error: expect.objectContaining(expected) })
    expect(stderr).toMatch(/^dray: /)
    expect(exitCode).toBe(expected.exitCode)
  })

  test('with -o - carries the archive and nothing else', async () => {
    const pull: FakePull = async (_, { stdout }) => {
      stdout?.write('tar')
      return { ...result, path: '-' }
    }
    expect(await dray('nginx -o -', { pull })).toMatchObject({ exitCode: 0, stdout: 'tar' })
  })

  test('is empty after an error', async () => {
    expect(await dray('nginx', { pull: failing(new DrayError('NETWORK', 'gone')) })).toMatchObject({
      exitCode: 5,
      stdout: '',
      stderr: 'dray: gone\n',
    })
  })

  test('that nobody reads ends in silence and 141', async () => {
    const stdout = new FakeStream()
    stdout._write = (_chunk, _encoding, done: (error?: Error) => void) => {
      done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' }))
    }
    expect(await dray('nginx', { stdout })).toMatchObject({ exitCode: 141, stderr: '' })
  })
})

describe('the pull is given', () => {
  test('images, options, credentials and a name to send', async () => {
    const pull = vi.fn<FakePull>(async () => result)
    await dray('a b --format oci -j 2', { pull })
    expect(pull).toHaveBeenCalledExactlyOnceWith(
      ['a', 'b'],
      expect.objectContaining({
        format: 'oci',
        jobs: 2,
        userAgent: 'dray/development',
        credentials: { find: expect.any(Function) },
        signal: expect.any(AbortSignal),
      }),
    )
  })

  test('a place to report to', async () => {
    const pull: FakePull = async (_, { onEvent }) => {
      onEvent?.({ type: 'warning', message: 'it rains' })
      return result
    }
    expect((await dray('nginx', { pull })).stderr).toBe('warning: it rains\n')
  })
})

describe('stderr', () => {
  test('on a terminal ends with ids, size, time and the next command', async () => {
    const { stderr } = await dray('nginx', { stderr: new FakeStream({ isTTY: true }) })
    expect(stderr).toContain(digestOf('config'))
    expect(stderr).toContain(digestOf('manifest'))
    expect(stderr).toMatch(/1\.5 MB in [\d.]+ s\nnext: docker load -i \/work\/nginx\.tar\n$/)
  })

  test.each(['-q', '--progress none', '--progress json'])('has no summary with %s', async (flag) => {
    const { stderr } = await dray(`nginx ${flag}`, { stderr: new FakeStream({ isTTY: true }) })
    expect(stderr).toBe('')
  })

  test.each(['', '-q', '--progress json'])(
    'says every time that --insecure is: dray --insecure %s',
    async (flag) => {
      const { stderr } = await dray(`nginx --insecure ${flag}`)
      expect(stderr).toContain('TLS certificates are not verified')
    },
  )

  test('with --progress json has nothing but JSON, errors too', async () => {
    const { stderr } = await dray('nginx --progress json', { pull: failing(new DrayError('TLS', 'bad')) })
    expect(JSON.parse(stderr)).toEqual({
      v: 1,
      type: 'error',
      error: { code: 'TLS', message: 'bad', exitCode: 8 },
    })
  })

  test('shows a stack with --debug', async () => {
    expect((await dray('nginx --debug', { pull: failing(new DrayError('TLS', 'bad')) })).stderr).toContain(
      ' at ',
    )
  })
})

describe('the command line', () => {
  test('dray alone prints a short help on stderr and exits with 2', async () => {
    const { exitCode, stdout, stderr } = await dray('')
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(/^Usage: dray /)
  })

  test.each(['--help', '--version', 'pull --help'])(
    'dray %s answers on stdout without loading the network',
    async (line) => {
      const loadPull = vi.fn()
      const { exitCode, stdout, stderr } = await dray(line, { loadPull })
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(stdout).not.toBe('')
      expect(loadPull).not.toHaveBeenCalled()
    },
  )

  test.each(['--nonsense', 'nginx -j 0', 'nginx -u me', 'nginx -o x.tgz'])(
    'dray %s is a usage error',
    async (line) => {
      const { exitCode, stdout, stderr } = await dray(line)
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
      expect(stderr).toMatch(/^dray: .*\ntry: .*\n$/)
    },
  )
})

describe('an interruption', () => {
  const untilAborted: FakePull = (_, { signal }) => {
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  }

  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('by %s exits with %d and says so', async (name, code) => {
    const signals = new EventEmitter()
    setTimeout(() => signals.emit(name), 5)
    const { exitCode, stderr } = await dray('nginx', { signals, pull: untilAborted })
    expect(exitCode).toBe(code)
    expect(stderr).toMatch(new RegExp(`^dray: interrupted by ${name}\ntry: run the same command again`))
  })

  test('promises nothing to go on from when the archive went down a pipe', async () => {
    const signals = new EventEmitter()
    setTimeout(() => signals.emit('SIGINT'), 5)
    const { stderr } = await dray('nginx -o -', { signals, pull: untilAborted })
    expect(stderr).toBe('dray: interrupted by SIGINT\n')
  })

  test('gives a pull that does not end no more than two seconds', async () => {
    vi.useFakeTimers()
    const signals = new EventEmitter()
    const exit = vi.fn()
    const stderr = new FakeStream()
    void dray('nginx', { signals, exit, stderr, pull: () => new Promise(() => {}) })
    await vi.advanceTimersByTimeAsync(10)
    signals.emit('SIGINT')
    await vi.advanceTimersByTimeAsync(1900)
    expect(exit).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(100)
    expect(exit).toHaveBeenCalledExactlyOnceWith(130)
    expect(stderr.text).toContain('interrupted by SIGINT')
  })

  test('leaves the cursor visible', async () => {
    const signals = new EventEmitter()
    const stderr = new FakeStream({ isTTY: true })
    const pull: FakePull = (references, options) => {
      options.onEvent?.({ type: 'resolve', reference: 'nginx' })
      return untilAborted(references, options)
    }
    setTimeout(() => signals.emit('SIGINT'), 5)
    await dray('nginx', { signals, stderr, pull })
    expect(stderr.text).toContain(hideCursor)
    expect(stderr.text.lastIndexOf(showCursor)).toBeGreaterThan(stderr.text.lastIndexOf(hideCursor))
  })
})

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
