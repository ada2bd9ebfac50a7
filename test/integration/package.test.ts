import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { mustPull } from '../support/engines/dray.ts'
import { mustRun } from '../support/engines/run.ts'
import { imageIdBySkopeo } from '../support/engines/skopeo.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

describeWithEngines('the package that is published', (world) => {
  const directory = join(world.directory, 'package')
  const prefix = join(directory, 'prefix')
  const launcher = join(prefix, 'node_modules', 'dray', 'bin', 'dray.js')
  // An npm with nothing but what it was given: neither this machine's settings nor a cache of packages.
  const env = {
    PATH: process.env.PATH,
    HOME: join(directory, 'home'),
    npm_config_cache: join(directory, 'cache'),
    npm_config_offline: 'true',
  }

  beforeAll(async () => {
    for (const path of [directory, prefix, env.HOME]) await mkdir(path)
    await mustRun('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: checkout, env })
    const tarball = (await readdir(directory)).find((file) => file.endsWith('.tgz'))
    await mustRun('npm', ['install', '--prefix', prefix, join(directory, `${tarball}`)], { cwd: prefix, env })
  })

  test('is one package without dependencies', async () => {
    const installed = (await readdir(join(prefix, 'node_modules'))).filter((name) => !name.startsWith('.'))
    expect(installed).toEqual(['dray'])
    const manifest = JSON.parse(await readFile(join(prefix, 'node_modules', 'dray', 'package.json'), 'utf8'))
    expect(manifest).not.toHaveProperty('dependencies')
  })

  test('has a command that says its version', async () => {
    const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
    expect(await mustRun(join(prefix, 'node_modules', '.bin', 'dray'), ['--version'], { env })).toBe(version)
  })

  test('has a command that pulls an image', async () => {
    const archive = join(directory, 'image.tar')
    const reference = world.references.manyLayers
    await mustPull([reference, '-o', archive], { launcher })
    expect(await imageIdBySkopeo(`docker-archive:${archive}`)).toBe(
      await imageIdBySkopeo(`docker://${reference}`),
    )
  })
})
