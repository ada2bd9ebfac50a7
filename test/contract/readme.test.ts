import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runDray } from '../support/run-dray.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

test('the README lists the options that --help lists, and no other', async () => {
  const { stdout } = await runDray(['--help'])
  const helped = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)
  const documented = [...readme.matchAll(/^\| `(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)
  expect(documented.toSorted()).toEqual(helped.toSorted())
  expect(helped.length).toBeGreaterThan(20)
})

test('the README lists the exit codes that --help lists', async () => {
  const { stdout } = await runDray(['--help'])
  const section = readme.slice(readme.indexOf('## Exit codes'), readme.indexOf('## What is in the archive'))
  const documented = [...section.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, codes = '']) =>
    codes.split(', '),
  )
  const helped = [...stdout.slice(stdout.indexOf('Exit codes:')).matchAll(/(?<= |^)(\d+) {2}/gm)].map(
    ([, code]) => code,
  )
  expect(documented.toSorted()).toEqual(helped.toSorted())
})
