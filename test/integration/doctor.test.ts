import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCertificateAuthority } from '../support/engines/certificate-authority.ts'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { type Registry, startRegistry } from '../support/engines/docker-registry.ts'
import { dray } from '../support/engines/dray.ts'
import { manyLayers } from '../support/engines/images.ts'
import { mustRun } from '../support/engines/run.ts'

interface Report {
  readonly ok: boolean
  readonly exitCode: number
  readonly first?: string
  readonly steps: readonly { readonly step: string; readonly status: string }[]
}

describeWithEngines('dray doctor looks at a real registry', (world) => {
  const image = `${manyLayers.repository}:${manyLayers.tag}`
  const directory = join(world.directory, 'doctor')
  const login = ['alice', 'correct horse'] as const
  let registry: Registry
  let ca: string
  let otherCa: string

  const examine = async (args: readonly string[], password: string = login[1]) => {
    const command = ['doctor', `${registry.host}/${image}`, '-u', login[0], '--password-stdin', ...args]
    const { exitCode, stdout, stderr } = await dray([...command, '--json'], { input: password })
    expect(`${stdout}${stderr}`).not.toContain(password)
    const report = JSON.parse(stdout) as Report
    expect(report.exitCode).toBe(exitCode)
    const failed = report.steps.filter(({ status }) => status === 'failed').map(({ step }) => step)
    return { ...report, failed }
  }

  beforeAll(async () => {
    for (const name of ['own', 'other']) await mkdir(join(directory, name), { recursive: true })
    const authority = await createCertificateAuthority(join(directory, 'own'))
    ca = authority.certificate
    otherCa = (await createCertificateAuthority(join(directory, 'other'))).certificate
    const certificate = await authority.issue('loopback', ['IP:127.0.0.1'])
    const path = join(directory, 'htpasswd')
    await mustRun('htpasswd', ['-Bbc', path, ...login])
    const auth = { htpasswd: { realm: 'the realm', path } }
    registry = await startRegistry({ directory, storage: world.storage, certificate, auth })
  })

  afterAll(() => registry.stop())

  test('and finds nothing wrong with one that works, but that its certificate is good for two days', async () => {
    const { ok, exitCode, failed, steps } = await examine(['--ca', ca])
    expect([ok, exitCode, failed]).toEqual([true, 0, []])
    expect(steps.filter(({ status }) => status === 'warning').map(({ step }) => step)).toEqual(['tls'])
    expect(steps.find(({ step }) => step === 'blob')?.status).toBe('ok')
  })

  test('a CA that did not sign its certificate: tls, exit 8', async () => {
    const { failed, exitCode, first } = await examine(['--ca', otherCa])
    expect([failed, exitCode]).toEqual([['tls'], 8])
    expect(first).toContain('--ca')
  })

  test('a password that it does not take: credentials, exit 4', async () => {
    const { failed, exitCode } = await examine(['--ca', ca], 'wrong-password')
    expect([failed, exitCode]).toEqual([['credentials'], 4])
  })

  test('an image that it does not have: manifest, exit 3', async () => {
    const args = ['doctor', `${registry.host}/no/such:image`, '--ca', ca, '-u', login[0], '--password-stdin']
    const { exitCode, stdout } = await dray(args, { input: login[1] })
    expect(stdout).toMatch(/^FAIL manifest/m)
    expect(exitCode).toBe(3)
  })

  test('once it is stopped: tcp, exit 5', async () => {
    await registry.stop()
    const { failed, exitCode } = await examine(['--ca', ca])
    expect([failed, exitCode]).toEqual([['tcp'], 5])
  })
})
