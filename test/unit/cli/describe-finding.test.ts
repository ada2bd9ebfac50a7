import { expect, test } from 'vitest'
import { describeVerdict, diagnosisToJson, findingPrinter } from '../../../src/cli/describe-finding.ts'
import type { Finding } from '../../../src/doctor/finding.ts'
import { DrayError } from '../../../src/errors.ts'

const fine: Finding = {
  step: 'dns',
  status: 'ok',
  host: 'ghcr.io',
  summary: 'ghcr.io is 192.0.2.1',
  elapsed: 3,
}
const error = new DrayError('TLS', 'the certificate has expired', { hint: 'renew it' })
const failed: Finding = {
  ...{ step: 'tls', status: 'failed', host: 'ghcr.io', elapsed: 41, error },
  summary: error.message,
  detail: ['valid until yesterday'],
}
const skipped: Finding = {
  step: 'api',
  status: 'skipped',
  host: 'ghcr.io',
  summary: 'not looked at',
  elapsed: 0,
}
const doubtful: Finding = { step: 'clock', status: 'warning', summary: '3 min behind', elapsed: 0 }

test('a step is a line with its verdict in words, its time and its summary; the host stands above its steps', () => {
  const print = findingPrinter({ colour: false })
  expect([fine, failed, skipped, doubtful].map(print).join('')).toBe(
    `at ghcr.io
ok   dns             3 ms  ghcr.io is 192.0.2.1
FAIL tls            41 ms  the certificate has expired
        valid until yesterday
skip api                   not looked at
warn clock           0 ms  3 min behind
`,
  )
})

test('steps that are skipped for the same reason are one line', () => {
  const print = findingPrinter({ colour: false })
  const other: Finding = { ...skipped, step: 'blob', summary: 'not asked for' }
  const findings: Finding[] = [skipped, { ...skipped, step: 'token' }, other, fine, skipped]
  expect(
    findings
      .map(print)
      .join('')
      .match(/^(skip|ok) +\S+/gm),
  ).toEqual(['skip api', 'skip blob', 'ok   dns', 'skip api'])
})

test('on a terminal there are marks in colour', () => {
  const print = findingPrinter({ colour: true })
  expect([fine, failed, skipped, doubtful].map(print).join('')).toMatch(
    /\u001b\[32m✓.*\u001b\[31m✗.*\u001b\[2m–.*\u001b\[33m!/s,
  )
})

test.each([
  ['all is well', { findings: [fine] }, 'A pull works.\n'],
  ['something is doubtful', { findings: [fine, doubtful] }, 'A pull works; see the warnings.\n'],
  [
    'something is broken',
    { findings: [failed], failure: error, first: 'renew it' },
    'First: the certificate has expired: renew it\n',
  ],
  [
    'only a mirror is broken',
    { findings: [failed, fine], first: 'renew it' },
    'A pull works, not everything else does.\nFirst: the certificate has expired: renew it\n',
  ],
  [
    'there is no hint',
    { findings: [failed], failure: error, first: error.message },
    'First: the certificate has expired\n',
  ],
])('the last line says what to do first when %s', (_, diagnosis, expected) => {
  expect(describeVerdict({ reference: 'ghcr.io/app:1', ...diagnosis })).toBe(expected)
})

test('for programs there is one object with every step', () => {
  const diagnosis = {
    reference: 'ghcr.io/app:1',
    findings: [fine, failed],
    failure: error,
    first: 'renew it',
  }
  expect(diagnosisToJson(diagnosis)).toEqual({
    reference: 'ghcr.io/app:1',
    ok: false,
    exitCode: 8,
    steps: [
      fine,
      { ...failed, error: { code: 'TLS', message: error.message, hint: 'renew it', exitCode: 8 } },
    ],
    first: 'renew it',
  })
})

test('no secret of a URL is printed, and nothing that steers a terminal', () => {
  const leak = 'see https://user:secret@host/x?sig=secret \u001b[2J'
  const finding: Finding = { step: 'blob', status: 'ok', summary: leak, detail: [leak], elapsed: 0 }
  const diagnosis = { reference: leak, findings: [finding], first: leak }
  const texts = [
    findingPrinter({ colour: false })(finding),
    describeVerdict(diagnosis),
    JSON.stringify(diagnosisToJson(diagnosis)),
  ]
  for (const text of texts) expect(text).not.toMatch(/secret|\u001b/)
})
