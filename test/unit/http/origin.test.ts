import { expect, test } from 'vitest'
import { addressOf, isLoopbackHost, sameOrigin } from '../../../src/http/origin.ts'

test.each([
  ['https://r.example/a', 'https://r.example:443/b', true],
  ['https://R.example', 'https://r.example', true],
  ['https://r.example', 'http://r.example', false],
  ['https://r.example', 'https://r.example:5000', false],
  ['https://r.example', 'https://sub.r.example', false],
  ['https://r.example', 'https://r.example.', false],
])('%s and %s: the same origin is %s', (a, b, expected) => {
  expect(sameOrigin(new URL(a), new URL(b))).toBe(expected)
})

test.each([
  'localhost',
  'LOCALHOST',
  'localhost.',
  'a.localhost',
  '127.0.0.1',
  '127.8.9.1',
  '0x7f.1',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[0:0::1]',
])('%s is this machine', (host) => {
  expect(isLoopbackHost(new URL(`http://${host}`).hostname)).toBe(true)
})

test.each([
  'localhost.evil.com',
  '127.0.0.1.nip.io',
  'evil-localhost',
  'registry.local',
  '128.0.0.1',
  '0.0.0.0',
  '[::]',
  '[::2]',
  '[2002:7f00:1::]',
])('%s is not this machine', (host) => {
  expect(isLoopbackHost(new URL(`http://${host}`).hostname)).toBe(false)
})

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['[::ffff:10.1.2.3]', '10.1.2.3'],
  ['::ffff:a01:203', '10.1.2.3'],
  ['[2001:DB8:0::1]', '2001:db8::1'],
  ['registry.example', undefined],
  ['10.1.2', undefined],
  ['fe80::1%eth0', undefined],
])('the address in %s is %s', (host, expected) => {
  expect(addressOf(host)).toBe(expected)
})
