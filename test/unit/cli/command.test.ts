import { describe, expect, test } from 'vitest'
import { parseCommand } from '../../../src/cli/command.ts'
import { isDrayError } from '../../../src/errors.ts'
import { FakeStream } from '../../support/fake-stream.ts'

describe('arguments', () => {
  test.each([
    ['an image alone is pulled', 'nginx', ['nginx'], {}],
    ['so it is with the command named', 'pull nginx', ['nginx'], {}],
    ['several images', 'a b:1 c', ['a', 'b:1', 'c'], {}],
    ['flags may stand before and after', '-j 2 nginx -q', ['nginx'], { jobs: '2', quiet: true }],
    ['after --, nothing is a flag', '-q -- -x', ['-x'], { quiet: true }],
    ['short names', '-o x.tar -u me -v nginx', ['nginx'], { output: 'x.tar', username: 'me', verbose: true }],
    ['- is stdout', '-o - nginx', ['nginx'], { output: '-' }],
    ['--no-proxy takes a value', '--no-proxy a,b nginx', ['nginx'], { noProxy: 'a,b' }],
    [
      '--proxy and --no-proxy side by side',
      '--proxy http://p --no-proxy a nginx',
      ['nginx'],
      { proxy: 'http://p', noProxy: 'a' },
    ],
    ['--cache takes a value', '--cache dir nginx', ['nginx'], { cache: 'dir' }],
    ['--no-cache takes none', '--no-cache nginx', ['nginx'], { cache: false }],
    [
      '--mirror may be repeated',
      '--mirror a.example --mirror ghcr.io=https://b.example nginx',
      ['nginx'],
      { mirror: ['a.example', 'ghcr.io=https://b.example'] },
    ],
    ['--no-system-config takes no value', '--no-system-config nginx', ['nginx'], { noSystemConfig: true }],
    ['--cert and --key', '--cert c.pem --key k.pem nginx', ['nginx'], { cert: 'c.pem', key: 'k.pem' }],
    ['--ca may be repeated', '--ca a.pem --ca b.pem nginx', ['nginx'], { ca: ['a.pem', 'b.pem'] }],
    [
      'switches',
      '--password-stdin --insecure --plain-http --json --debug x',
      ['x'],
      { passwordStdin: true, insecure: true, plainHttp: true, json: true, debug: true },
    ],
  ])('%s: dray %s', (_, line, references, flags) => {
    expect(parse(line).command).toEqual({ kind: 'pull', references, flags })
  })

  test.each([
    ['doctor nginx --json', { kind: 'doctor', references: ['nginx'], flags: { json: true } }],
    ['doctor --mirror m nginx', { kind: 'doctor', references: ['nginx'], flags: { mirror: ['m'] } }],
    [
      'login ghcr.io -u me --password-stdin',
      { kind: 'login', registry: 'ghcr.io', flags: { username: 'me', passwordStdin: true } },
    ],
    ['login', { kind: 'login', registry: 'docker.io', flags: {} }],
    [
      'logout ghcr.io --authfile a.json',
      { kind: 'logout', registry: 'ghcr.io', flags: { authfile: 'a.json' } },
    ],
    ['logout', { kind: 'logout', registry: 'docker.io', flags: {} }],
    ['pull login', { kind: 'pull', references: ['login'], flags: {} }],
  ])('dray %s is a command of its own', (line, command) => {
    expect(parse(line).command).toEqual(command)
  })

  test.each([
    ['--fromat oci nginx', `unknown option '--fromat'`, 'Did you mean --format?'],
    ['-o', `option '-o, --output <path>' argument missing`, 'dray --help lists the options'],
    ['--json', 'no image was named', 'dray nginx:alpine; dray --help lists the options'],
    ['doctor', 'no image was named', 'dray nginx:alpine; dray --help lists the options'],
    [
      'doctor a b',
      `too many arguments for 'doctor'. Expected 1 argument but got 2.`,
      'dray --help lists the options',
    ],
    ['login -o x', `unknown option '-o'`, 'dray --help lists the options'],
    ['pull', 'no image was named', 'dray nginx:alpine; dray --help lists the options'],
  ])('dray %s is a usage error: %s', (line, message, hint) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'USAGE', message, hint }))
  })

  test('an error prints nothing by itself', () => {
    const stdout = new FakeStream()
    expect(() => parseCommand(['node', 'dray', '--nonsense'], stdout)).toThrow(
      expect.toSatisfy((e) => isDrayError(e)),
    )
    expect(stdout.text).toBe('')
  })
})

describe('help', () => {
  const help = parse('--help').stdout

  test('is printed in place of a pull', () => {
    expect(parse('--help').command).toBeUndefined()
    expect(parse('nginx --help').command).toBeUndefined()
    expect(help).toMatch(/^Usage: dray \[pull\] \[options\] <image\.\.\.>\n/)
  })

  test('lists the same options with and without the command', () => {
    const options = (text: string) => text.match(/^ +(-\w, )?--[\w-]+/gm)
    expect(options(help)).toEqual(options(parse('pull --help').stdout))
  })

  test.each(['Archive', 'Download', 'Credentials', 'Network', 'Messages', 'Exit codes'])(
    'has a group: %s',
    (group) => {
      expect(help).toMatch(new RegExp(`^${group}:$`, 'm'))
      expect(parse('pull --help').stdout).toMatch(new RegExp(`^${group}:$`, 'm'))
    },
  )

  test.each([
    ['--output', 'DRAY_OUTPUT'],
    ['--platform', 'DRAY_PLATFORM, DOCKER_DEFAULT_PLATFORM'],
    ['--format', 'DRAY_FORMAT'],
    ['--jobs', 'DRAY_JOBS'],
    ['--cache', 'DRAY_CACHE'],
    ['--username', 'DRAY_USERNAME, DRAY_PASSWORD'],
    ['--authfile', 'DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE, DOCKER_CONFIG'],
    ['--proxy', 'HTTPS_PROXY, HTTP_PROXY, ALL_PROXY'],
    ['--no-proxy', 'NO_PROXY'],
    ['--ca', 'SSL_CERT_FILE, SSL_CERT_DIR, NODE_EXTRA_CA_CERTS, npm_config_cafile'],
    ['--mirror', 'DRAY_MIRROR'],
    ['--progress', 'DRAY_PROGRESS'],
  ])('says which variables stand for %s', (flag, variables) => {
    const entries = help.split(/\n {2}(?=-)/).map((entry) => entry.replace(/\s+/g, ' '))
    expect(entries.find((entry) => entry.includes(`${flag} `))).toContain(`(env: ${variables}`)
  })

  test('is as wide as the terminal', () => {
    const stdout = new FakeStream({ isTTY: true, columns: 80 })
    parseCommand(['node', 'dray', '--help'], stdout)
    const [options = ''] = stdout.text.split('Exit codes')
    expect(Math.max(...options.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })
})

test('--version prints one line', () => {
  expect(parse('--version')).toEqual({ command: undefined, stdout: 'development\n' })
})

function parse(line: string) {
  const stdout = new FakeStream()
  const command = parseCommand(['node', 'dray', ...line.split(' ')], stdout)
  return { command, stdout: stdout.text }
}
