import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { importsOf, readSources } from '../../support/read-source.ts'

const sources = new Map(readSources().map((file) => [file.path, file]))

/** Everything that is loaded when a file is, itself included. */
function loadedWith(path: string, seen = new Set<string>()): ReadonlySet<string> {
  const file = sources.get(path)
  if (seen.has(path)) return seen
  seen.add(path)
  for (const { specifier, typeOnly, dynamic } of file ? importsOf(file) : []) {
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
    if (!typeOnly && !dynamic) loadedWith(target, seen)
  }
  return seen
}

test('the command line loads its parser', () => {
  expect(loadedWith('cli/main.ts')).toContain('commander')
})

test.each(['undici', 'ora', 'tar-stream', 'fzstd', 'node:tls', 'node:crypto', 'pull.ts', 'cli/run-pull.ts'])(
  'the command line answers --help without loading %s',
  (name) => {
    expect(loadedWith('cli/main.ts')).not.toContain(name)
  },
)

test.each(['undici/lib/dispatcher/agent.js', 'tar-stream', 'node:tls'])('a pull loads %s', (name) => {
  expect(loadedWith('pull.ts')).toContain(name)
})

test.each(['undici', 'socks', 'ora'])('a pull does not load all of %s before it is wanted', (name) => {
  expect(loadedWith('pull.ts')).not.toContain(name)
})
