import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { basic, registry, withBasicAuth, withTokenAuth } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'
import type { Handler } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const image = buildImage({ layers: [await buildLayer({ a: 'a' }), await buildLayer({ b: 'b' })] })

function images() {
  const content = createContent()
  addImage(content, image, 'team/app:1')
  return registry(content)
}

test('dray IMAGE writes the archive into the working directory and prints its path, and nothing else, on stdout', async () => {
  const server = await serveDuringTest(images())
  const cwd = temporaryDirectory()

  const { exitCode, stdout, stderr } = await runDray([`${server.host}/team/app:1`], { cwd })

  const name = `${server.host.replace(':', '_')}_team_app_1.tar`
  expect({ exitCode, stderr, files: readdirSync(cwd) }).toMatchObject({ exitCode: 0, files: [name] })
  expect(stdout).toMatch(/^[^\n]*\.tar\n$/)
  expect(existsSync(join(cwd, stdout.trim())) || existsSync(stdout.trim())).toBe(true)
})

test('--json prints the result as one object', async () => {
  const server = await serveDuringTest(images())
  const { exitCode, stdout } = await runDray(['pull', '--json', `${server.host}/team/app:1`, '-o', 'x.tar'])

  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    format: 'docker',
    images: [{ digest: image.digest, imageId: image.configDigest, layers: 2 }],
  })
})

test('--json prints a failure as one object too', async () => {
  const server = await serveDuringTest(images())
  const { exitCode, stdout } = await runDray(['--json', `${server.host}/team/app:2`])

  expect(exitCode).toBe(3)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'NOT_FOUND' } })
})

test('-o - writes the archive to stdout, the same as to a file', async () => {
  const server = await serveDuringTest(images())
  const cwd = temporaryDirectory()
  await runDray([`${server.host}/team/app:1`, '-o', 'file.tar'], { cwd })

  const { exitCode, stdout, stderr } = await runDray([`${server.host}/team/app:1`, '-o', '-', '-q'], { cwd })

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toBe(readFileSync(join(cwd, 'file.tar')).toString())
})

test.each([
  ['no image', [], 2],
  ['an unknown flag', ['--frobnicate', 'nginx'], 2],
  ['a reference with capitals', ['docker.io/library/Nginx'], 2],
  ['a scheme in the reference', ['https://registry.example/app'], 2],
  ['a password in the reference', ['user:s3cret@registry.example/app'], 2],
  ['a platform that is none', ['--platform', 'linux/amd64/v2/x', 'nginx'], 2],
  ['a format that is none', ['--format', 'zip', 'nginx'], 2],
  ['zero jobs', ['-j', '0', 'nginx'], 2],
  ['a compressed output', ['-o', 'x.tar.gz', 'nginx'], 2],
  ['a name for two images', ['--name', 'x:1', 'nginx', 'alpine'], 2],
  ['a user without a password', ['-u', 'alice', 'nginx'], 2],
  ['an output in a directory that is missing', ['-o', 'missing/x.tar', 'nginx'], 7],
  ['a CA file that is missing', ['--ca', 'missing.pem', 'nginx'], 7],
  ['a port where nobody listens', ['--retries', '0', '127.0.0.1:1/app'], 5],
])('%s is a clear error without a stack trace', async (_, args, expected) => {
  const { exitCode, stdout, stderr } = await runDray(args)

  expect({ exitCode, stdout }).toEqual({ exitCode: expected, stdout: '' })
  expect(stderr.trim()).not.toBe('')
  expect(stderr).not.toMatch(/^\s+at /m)
  expect(stderr).not.toContain('s3cret')
})

test('a password comes by stdin or from the environment, never as an argument, and never shows', async () => {
  const server = await serveDuringTest(withBasicAuth(images(), 'alice', 's3cret'))
  const reference = `${server.host}/team/app:1`

  const byStdin = await runDray(['-u', 'alice', '--password-stdin', '--debug', reference], {
    stdin: 's3cret\n',
  })
  const byEnvironment = await runDray([reference], {
    env: { DRAY_USERNAME: 'alice', DRAY_PASSWORD: 's3cret' },
  })
  const without = await runDray([reference])

  expect([byStdin.exitCode, byEnvironment.exitCode, without.exitCode]).toEqual([0, 0, 4])
  expect(byStdin.stderr).not.toContain('s3cret')
  expect(byStdin.stderr).not.toContain(basic('alice', 's3cret').slice(6))
})

test('a stored login is found where docker login puts it', async () => {
  const user = { username: 'alice', password: 's3cret' }
  const server = await serveDuringTest(withTokenAuth(images(), { user }))
  const config = temporaryDirectory()
  const auth = basic('alice', 's3cret').slice(6)
  await writeFile(join(config, 'config.json'), JSON.stringify({ auths: { [server.host]: { auth } } }))

  const { exitCode } = await runDray([`${server.host}/team/app:1`], { env: { DOCKER_CONFIG: config } })

  expect(exitCode).toBe(0)
})

test('--progress=json says what happens, one object a line, on stderr', async () => {
  const server = await serveDuringTest(images())
  const { stderr, stdout } = await runDray(['--progress=json', `${server.host}/team/app:1`, '-o', 'x.tar'])

  const events = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['resolved', 'blob-done', 'archive-done']),
  )
  expect(stdout.trim()).toMatch(/x\.tar$/)
})

test('-v names every request', async () => {
  const server = await serveDuringTest(images())
  const { stderr } = await runDray(['-v', `${server.host}/team/app:1`])
  expect(stderr).toContain(`http://${server.host}/v2/team/app/manifests/1`)
})

const endless: Handler = (request, response) => {
  if (!request.url?.includes(image.layers[1]?.digest ?? '')) return images()(request, response)
  response.writeHead(200, { 'content-length': image.layers[1]?.blob.length })
  response.write(image.layers[1]?.blob.subarray(0, 20))
}

/** A busy machine may need seconds to start a process. */
const patiently = { timeout: 10_000 }

test.skipIf(process.platform === 'win32').each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s ends it at once with exit code %d, no archive, and the blobs kept',
  async (signal, expected) => {
    const cwd = temporaryDirectory()
    let signalled = 0
    const server = await serveDuringTest(endless)

    const { exitCode } = await runDray([`${server.host}/team/app:1`, '-o', 'x.tar'], {
      cwd,
      onStart: async (child) => {
        await expect
          .poll(
            () => server.requests.some(({ url }) => url.endsWith(image.layers[1]?.digest ?? '')),
            patiently,
          )
          .toBe(true)
        await expect
          .poll(
            () =>
              existsSync(
                join(cwd, 'x.tar.partial', 'blobs', 'sha256', image.layers[0]?.digest.slice(7) ?? ''),
              ),
            patiently,
          )
          .toBe(true)
        signalled = performance.now()
        child.kill(signal)
      },
    })

    expect(performance.now() - signalled).toBeLessThan(5000)
    expect(exitCode).toBe(expected)
    expect(readdirSync(cwd)).toEqual(['x.tar.partial'])
  },
)
