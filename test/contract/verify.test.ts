import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import {
  appendFile,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { endOfArchive, tarHeader } from '../../src/archive/tar.ts'
import { DrayError, verify } from '../../src/index.ts'
import { json, layouts, packItems } from '../support/archive-layouts.ts'
import { damages, locate } from '../support/damages.ts'
import { addImage, buildImage, buildLayer, createContent, noise, sha256 } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

async function sampleRegistry() {
  const content = createContent()
  const image = buildImage({
    layers: [await buildLayer({ a: noise(6400) }), await buildLayer({ b: 'y' }), await buildLayer({ a: '' })],
  })
  addImage(content, image, 'team/app:1')
  return { image, server: await serveDuringTest(registry(content)) }
}

const formats = ['docker', 'oci'] as const

describe.each(formats)('what dray pulls in %s format', (format) => {
  test('is whole, and every engine loads it', async () => {
    const { image, server } = await sampleRegistry()
    const { path, result } = await pullFrom(server, 'team/app:1', { format })

    const { exitCode, stdout, stderr } = await runDray(['verify', path])

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^${path}: whole, .*\n`))
    expect(stdout).toContain(`${server.host}/team/app:1 (${result.images[0]?.platform}), 3 layers`)
    expect(stdout).toContain(`image id  ${image.configDigest}`)
    if (format === 'oci') expect(stdout).toContain(`digest    ${image.digest}`)
    expect(stdout).toContain(
      'loads in  docker up to 24, docker from 25 on, podman, containerd (ctr, kind, k3s), skopeo',
    )
  })

  test.each(damages.map((damage) => [damage.what, damage] as const))(
    'is not, after harm: %s',
    async (_, { damage, problem }) => {
      const { server } = await sampleRegistry()
      const { path } = await pullFrom(server, 'team/app:1', { format })
      const sound = locate(await readFile(path))
      const bytes = await damage(sound)
      if (!bytes) return
      await writeFile(path, bytes)

      const { verifyFile } = await import('../../src/verify/verify-file.ts')
      const { ok, problems } = await verifyFile(path)

      expect(ok).toBe(false)
      expect(`${problems[0]?.place}: ${problems[0]?.message}`).toMatch(
        typeof problem === 'function' ? problem(sound) : problem,
      )
    },
  )
})

test.each(formats)('a gzip layer with zeros behind it is broken, in %s format', async (format) => {
  const content = createContent()
  const layer = await buildLayer({ a: noise(6400) })
  const blob = Buffer.concat([layer.blob, Buffer.alloc(2 ** 20)])
  addImage(content, buildImage({ layers: [{ ...layer, blob, digest: sha256(blob) }] }), 'app:1')
  const server = await serveDuringTest(registry(content))
  const output = join(temporaryDirectory(), 'image.tar')
  const pulling = runDray([`${server.host}/app:1`, '--plain-http', '--format', format, '-o', output])

  // In the oci format, layers stay as they are: whoever loads them finds it.
  const { exitCode, stderr } =
    format === 'docker' ? await pulling : await pulling.then(() => runDray(['verify', output, '-v']))

  expect(exitCode).toBe(6)
  expect(stderr).not.toMatch(/\n {4}at /)
  if (format === 'docker') {
    expect(stderr).toContain('is corrupt: something follows its gzip data')
    expect(await readdir(dirname(output))).not.toContain('image.tar')
  }
})

async function sampleArchive(): Promise<string> {
  const { server } = await sampleRegistry()
  return (await pullFrom(server, 'team/app:1')).path
}

async function brokenArchive(): Promise<string> {
  const path = await sampleArchive()
  const { bytes, layer } = locate(await readFile(path))
  bytes[layer.start + 600] = 7
  await writeFile(path, bytes)
  return path
}

describe('dray verify', () => {
  test('exits with 6 when something is broken, and names the place', async () => {
    const { exitCode, stdout, stderr } = await runDray(['verify', await brokenArchive()])
    expect({ exitCode, stderr }).toEqual({ exitCode: 6, stderr: '' })
    expect(stdout).toMatch(
      /: BROKEN, .*\n {2}problem {3}layer 1 of 3, [0-9a-f]{64}\/layer\.tar: its content has the digest/,
    )
    expect(stdout).not.toContain('loads in')
  })

  test('reads stdin, also in gzip', async () => {
    const bytes = gzipSync(await readFile(await sampleArchive()))
    const { exitCode, stdout } = await runDray(['verify', '-'], { stdin: bytes })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^stdin: whole, .*\n {2}kind .*, in gzip /)
    expect(stdout).toContain('perhaps   podman: ')
  })

  test('finds a gzip that is cut or corrupt', async () => {
    const bytes = gzipSync(await readFile(await sampleArchive()))
    const cut = await runDray(['verify', '-'], { stdin: bytes.subarray(0, -100) })
    expect(cut).toMatchObject({
      exitCode: 6,
      stdout: expect.stringMatching(/problem {3}near byte \d+: .*corrupt/),
    })
    bytes[Math.floor(bytes.length / 2)] = 0
    const corrupt = await runDray(['verify', '-'], { stdin: bytes })
    expect(corrupt).toMatchObject({ exitCode: 6, stdout: expect.stringContaining(': BROKEN') })
  })

  test.each([
    ['xz', 'fd377a585a00'],
    ['bzip2', '425a68'],
  ])('exits with 7 for an archive in %s, which it does not read', async (name, magic) => {
    const path = join(temporaryDirectory(), 'x.tar')
    await writeFile(path, Buffer.concat([Buffer.from(magic, 'hex'), Buffer.alloc(2000)]))
    const { exitCode, stdout, stderr } = await runDray(['verify', path])
    expect({ exitCode, stdout }).toEqual({ exitCode: 7, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`compressed with ${name}, .*\ntry: .*${name} -dc ${path} \\| dray verify -`),
    )
  })

  test.each([
    ['nothing', '', /byte 0: the archive is empty/],
    ['a web page', '<!doctype html><title>no</title>'.repeat(50), /byte 0: there is no tar header/],
    ['a few bytes', 'hello', /byte 0: the archive is cut short/],
  ])('exits with 6 for %s', async (_, text, problem) => {
    const { exitCode, stdout } = await runDray(['verify', '-'], { stdin: text })
    expect(exitCode).toBe(6)
    expect(stdout).toMatch(problem)
  })

  test('exits with 7 for what is not there, and goes on; the first failure counts', async () => {
    const path = await sampleArchive()
    const { exitCode, stdout, stderr } = await runDray(['verify', '/none.tar', path, await brokenArchive()])
    expect(exitCode).toBe(7)
    expect(stderr).toBe('dray: cannot read /none.tar: there is no such file\n')
    expect(stdout.match(/^\S.*: (whole|BROKEN)/gm)).toHaveLength(2)
  })

  test('--json is one object on stdout, whatever is broken', async () => {
    const [path, broken] = [await sampleArchive(), await brokenArchive()]
    const { exitCode, stdout, stderr } = await runDray(['verify', '--json', path, broken, '/none.tar'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 6, stderr: '' })
    expect(stdout.split('\n')).toHaveLength(2)
    expect(JSON.parse(stdout).archives).toMatchObject([
      { archive: path, ok: true, exitCode: 0, format: 'docker-archive', images: [{ layers: [{}, {}, {}] }] },
      {
        archive: broken,
        ok: false,
        exitCode: 6,
        problems: [{ place: expect.stringMatching(/^layer 1 of 3, /) }],
      },
      { archive: '/none.tar', ok: false, exitCode: 7, error: { code: 'FILE', exitCode: 7 } },
    ])
  })

  test('-q is silent about what is whole; -v names every layer', async () => {
    const path = await sampleArchive()
    expect(await runDray(['verify', '-q', path])).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect((await runDray(['verify', '-q', await brokenArchive()])).stdout).toContain('BROKEN')
    expect((await runDray(['verify', '-v', path])).stdout.match(/layer \d {3}sha256:/g)).toHaveLength(3)
  })

  test.each([
    [[], 'no archive was named'],
    [['-', '-'], '- stands for stdin, which can be read once only'],
    [['--platform', 'x', 'a.tar'], "unknown option '--platform'"],
  ])('verify %j is a usage error', async (args, message) => {
    const { exitCode, stderr } = await runDray(['verify', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })
})

describe('--checksum', () => {
  async function pullWithChecksum() {
    const { server } = await sampleRegistry()
    const { path, result } = await pullFrom(server, 'team/app:1', { checksum: true })
    return { path, file: `${path}.sha256`, result }
  }

  test('writes what sha256sum -c reads', async () => {
    const { path, file, result } = await pullWithChecksum()
    expect(result.checksumFile).toBe(file)
    expect(await readFile(file, 'utf8')).toMatch(/^[0-9a-f]{64} {2}image\.tar\n$/)
    if (process.platform !== 'linux') return
    const { stdout } = await promisify(execFile)('sha256sum', ['-c', file], { cwd: dirname(path) })
    expect(stdout).toBe('image.tar: OK\n')
  })

  test('is what verify goes by', async () => {
    const { path, file } = await pullWithChecksum()
    const whole = await runDray(['verify', path])
    expect(whole).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`sha256    as ${file} says`) })

    await appendFile(path, Buffer.alloc(512))
    const changed = await runDray(['verify', path])
    expect(changed.exitCode).toBe(6)
    expect(changed.stdout).toMatch(
      /problem {3}.*: the archive as a whole has the digest sha256:.*\.sha256 says/,
    )
  })

  test('is for that name only', async () => {
    const { path, file } = await pullWithChecksum()
    const other = join(dirname(path), 'other.tar')
    await rename(path, other)
    await rename(file, `${other}.sha256`)
    const { exitCode, stdout } = await runDray(['verify', other])
    expect(exitCode).toBe(6)
    expect(stdout).toContain('is about "image.tar", not about other.tar')
  })

  test.each([['-o', '-']])('is refused with %s %s, before anything is asked', async (...output) => {
    const { server } = await sampleRegistry()
    const { exitCode, stderr } = await runDray([`${server.host}/team/app:1`, '--checksum', ...output])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('a checksum file stands beside an archive')
    expect(server.requests).toEqual([])
  })
})

/** A log in which no checksum file is named. */
const aboutNoChecksum = expect.not.stringContaining('.sha256')

describe('FILE.sha256 from an earlier pull', () => {
  async function twoImages() {
    const content = createContent()
    for (const tag of ['1', '2']) {
      addImage(content, buildImage({ layers: [await buildLayer({ a: tag })] }), `team/app:${tag}`)
    }
    const server = await serveDuringTest(registry(content))
    const directory = temporaryDirectory()
    const output = join(directory, 'image.tar')
    const pull = (tag: string, ...flags: readonly string[]) =>
      runDray([`${server.host}/team/app:${tag}`, '-o', output, '--progress', 'plain', ...flags])
    return { directory, output, file: `${output}.sha256`, pull }
  }

  test('is removed by a pull that makes it wrong, and that is said', async () => {
    const { directory, output, file, pull } = await twoImages()
    await pull('1', '--checksum')
    const { exitCode, stdout, stderr } = await pull('2')
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${output}\n` })
    expect(stderr).toMatch(/removed .*image\.tar\.sha256, which was about the archive that this one replaced/)
    expect(stderr).toContain('--checksum writes a new one')
    expect(await readdir(directory)).toEqual(['image.tar'])
    expect(await runDray(['verify', output])).toMatchObject({ exitCode: 0 })
    expect(file).toContain(directory)
  })

  test('stays when it is still right, without a word', async () => {
    const { file, pull } = await twoImages()
    await pull('1', '--checksum')
    const before = await readFile(file, 'utf8')
    expect(await pull('1')).toMatchObject({ exitCode: 0, stderr: aboutNoChecksum })
    expect(await readFile(file, 'utf8')).toBe(before)
  })

  test('is made right by --checksum', async () => {
    const { output, file, pull } = await twoImages()
    await pull('1', '--checksum')
    expect(await pull('2', '--checksum')).toMatchObject({ exitCode: 0, stderr: aboutNoChecksum })
    expect(await readFile(file, 'utf8')).toBe(`${sha256(await readFile(output)).slice(7)}  image.tar\n`)
  })

  test('stays when the pull fails', async () => {
    const { output, file, pull } = await twoImages()
    await pull('1', '--checksum')
    expect(await pull('none')).toMatchObject({ exitCode: 3 })
    expect(await readFile(file, 'utf8')).toBe(`${sha256(await readFile(output)).slice(7)}  image.tar\n`)
  })

  const expectation = `${'a'.repeat(64)}  image.tar\n`

  test('stays when it was not right before either: somebody may expect it; that it is wrong is said', async () => {
    const { file, pull } = await twoImages()
    await writeFile(file, expectation)
    for (const _ of ['without an archive', 'with one']) {
      const { exitCode, stderr } = await pull('1')
      expect(exitCode).toBe(0)
      expect(stderr).toMatch(/image\.tar\.sha256 gives another sha256 than the archive has/)
      expect(await readFile(file, 'utf8')).toBe(expectation)
    }
  })

  test.each([
    ['of several files', (hex: string) => `${hex}  image.tar\n${hex}  other.tar\n`],
    ['about another file', (hex: string) => `${hex}  other.tar\n`],
    ['in the form of BSD', (hex: string) => `SHA256 (image.tar) = ${hex}\n`],
    ['with a signature', (hex: string) => `${hex}  image.tar\n-----BEGIN PGP SIGNATURE-----\n`],
    ['of nothing', () => ''],
  ])('stays when it is a list that dray did not write: %s', async (_, textOf) => {
    const { output, file, pull } = await twoImages()
    await pull('1')
    const text = textOf(sha256(await readFile(output)).slice(7))
    await writeFile(file, text)
    expect(await pull('2')).toMatchObject({ exitCode: 0, stderr: aboutNoChecksum })
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  test('is found under a name with line ends and backslashes too', async () => {
    if (process.platform === 'win32') return
    const { directory, pull } = await twoImages()
    const output = join(directory, 'a\nb\\c.tar')
    await pull('1', '--checksum', '-o', output)
    expect(await runDray(['verify', output])).toMatchObject({ exitCode: 0 })
    expect((await pull('2', '-o', output)).stderr).toContain('removed ')
    expect(await readdir(directory)).toEqual(['a\nb\\c.tar'])
  })
})

describe.skipIf(process.platform === 'win32')('a checksum file that is no file', () => {
  const kinds: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
    ['a directory', (path) => mkdir(path)],
    ['a FIFO', (path) => promisify(execFile)('mkfifo', [path])],
  ]

  test.each(kinds)('%s is left alone, and not waited for', async (_, make) => {
    const { server } = await sampleRegistry()
    const output = join(temporaryDirectory(), 'image.tar')
    const pull = (...flags: readonly string[]) =>
      runDray([`${server.host}/team/app:1`, '-o', output, '--progress', 'plain', ...flags])
    await make(`${output}.sha256`)
    const refused = await pull('--checksum')
    expect(refused).toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining('something that is no file'),
    })
    expect(server.requests).toEqual([])
    expect(await pull()).toMatchObject({ exitCode: 0, stderr: aboutNoChecksum })
    const verified = await runDray(['verify', output])
    expect(verified).toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining('image.tar.sha256 is no file'),
    })
    expect((await lstat(`${output}.sha256`)).isFile()).toBe(false)
  })

  test('a link is replaced by --checksum, and what it leads to is not touched, nor by any other pull', async () => {
    const { server } = await sampleRegistry()
    const output = join(temporaryDirectory(), 'image.tar')
    const other = join(temporaryDirectory(), 'other')
    await writeFile(other, `${'a'.repeat(64)}  image.tar\n`)
    await symlink(other, `${output}.sha256`)
    const pull = (...flags: readonly string[]) =>
      runDray([`${server.host}/team/app:1`, '-o', output, '--progress', 'plain', ...flags])
    expect(await pull()).toMatchObject({ exitCode: 0, stderr: aboutNoChecksum })
    expect((await lstat(`${output}.sha256`)).isSymbolicLink()).toBe(true)
    expect(await pull('--checksum')).toMatchObject({ exitCode: 0 })
    expect((await lstat(`${output}.sha256`)).isFile()).toBe(true)
    expect(await readFile(other, 'utf8')).toBe(`${'a'.repeat(64)}  image.tar\n`)
  })
})

describe('verify as a function', () => {
  test('takes a file or a stream', async () => {
    const path = await sampleArchive()
    const inFile = await verify(path)
    expect(inFile).toMatchObject({ archive: path, ok: true, format: 'docker-archive', problems: [] })
    expect(await verify(createReadStream(path))).toEqual({ ...inFile, archive: '-' })
    expect(await verify(await brokenArchive())).toMatchObject({ ok: false, problems: [{ kind: 'broken' }] })
  })

  test('throws FILE for what is not there, and ABORTED when its signal says so', async () => {
    await expect(verify('/none.tar')).rejects.toMatchObject({ code: 'FILE' })
    const path = await sampleArchive()
    await expect(verify(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    const reason = new DrayError('PIPE_CLOSED', 'gone')
    await expect(verify(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})

test('an archive with hostile names is shown without what would steer a terminal', async () => {
  const image = buildImage({ layers: [await buildLayer({ a: '' })] })
  const items = layouts.docker24(image, 'evil\u001b[31m\u202e:1').map((item) => item)
  const bytes = await packItems([...items, { name: '\u001b[2J/../x', content: Buffer.from('') }])
  for (const flags of [[], ['--json'], ['-v']]) {
    const { stdout } = await runDray(['verify', ...flags, '-'], { stdin: bytes })
    expect(stdout).not.toMatch(/[\u001b\u202e]/)
    expect(stdout).toContain('[2J/../x')
  }
})

describe.skipIf(process.platform !== 'linux')('memory is bounded', () => {
  /** The most memory that dray had, in bytes. */
  async function peakOf(path: string): Promise<{ exitCode: number | null; peak: number }> {
    const launcher = new URL('../../bin/dray.js', import.meta.url).pathname
    const child = spawn(process.execPath, [launcher, 'verify', path], { stdio: 'ignore' })
    let peak = 0
    const poll = setInterval(async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024)
    }, 20)
    const [exitCode] = await once(child, 'exit')
    clearInterval(poll)
    return { exitCode, peak }
  }

  test('with a layer of 1 GiB', { timeout: 120_000 }, async () => {
    const path = join(temporaryDirectory(), 'large.tar')
    const size = 2 ** 30
    const id = 'ab'.repeat(32)
    const item = json([{ Config: 'none', RepoTags: null, Layers: [`${id}/layer.tar`] }])
    const header = await tarHeader({ type: 'file', path: `${id}/layer.tar`, mtime: 0 }, size)
    const rest = (await packItems([{ name: 'manifest.json', content: item }])).subarray(
      0,
      -endOfArchive.length,
    )
    const file = await open(path, 'wx')
    await file.write(header, 0, header.length, 0)
    await file.write(rest, 0, rest.length, header.length + size)
    await file.close()
    const { exitCode, peak } = await peakOf(path)
    expect(exitCode).toBe(6)
    expect(peak).toBeGreaterThan(20_000_000)
    expect(peak).toBeLessThan(150_000_000)
  })

  test.each([
    [19_000, 6],
    [25_000, 7],
  ])('with %d documents', { timeout: 120_000 }, async (count, code) => {
    const path = join(temporaryDirectory(), 'many.tar')
    const content = Buffer.from(`{${' '.repeat(2000)}}`)
    const items = Array.from({ length: count }, (_, i) => ({ name: `${i}/json`, content }))
    await writeFile(path, await packItems(items))
    const { exitCode, peak } = await peakOf(path)
    expect(exitCode).toBe(code)
    expect(peak).toBeLessThan(200_000_000)
  })
})
