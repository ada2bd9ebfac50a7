import { describe, expect, test } from 'vitest'
import { checkRealm } from '../../../src/auth/realm.ts'

const check = (realm: string, registry: string) => checkRealm(realm, new URL(registry), 'the registry').href

describe('a realm is asked', () => {
  test.each([
    ['https://auth.docker.io/token', 'https://registry-1.docker.io'],
    ['https://auth.example/token?x=y', 'https://reg.example'],
    ['https://reg.example:8443/token', 'https://reg.example'],
    ['http://reg.example/token', 'http://reg.example:5000'],
    ['https://auth.example/token', 'http://reg.example'],
    ['http://127.0.0.1:5001/token', 'http://127.0.0.1:5000'],
    ['http://localhost:5001/token', 'http://127.0.0.1:5000'],
    ['http://[::1]:5001/token', 'http://localhost:5000'],
    ['https://10.0.0.2/token', 'https://10.0.0.2:5000'],
    ['https://10.0.0.2/token', 'https://192.168.1.1'],
    ['https://8.8.8.8/token', 'https://reg.example'],
    ['https://[fd00::1]/token', 'https://10.0.0.1'],
  ])('%s for %s', (realm, registry) => {
    expect(check(realm, registry)).toBe(new URL(realm).href)
  })
})

describe('a realm is refused', () => {
  test.each([
    ['http://auth.example/token', 'https://reg.example', 'anyone on the way'],
    ['file:///etc/passwd', 'https://reg.example', 'neither https nor http'],
    ['javascript:alert(1)', 'https://reg.example', 'neither https nor http'],
    ['/token', 'https://reg.example', 'no URL'],
    ['', 'https://reg.example', 'no URL'],
    ['https://me:pw@auth.example/token', 'https://reg.example', 'user name or password'],
    ['https://127.0.0.1/token', 'https://reg.example', 'this very machine'],
    ['https://localhost/token', 'https://reg.example', 'this very machine'],
    ['https://2130706433/token', 'https://reg.example', 'this very machine'],
    ['https://[::ffff:127.0.0.1]/token', 'https://reg.example', 'this very machine'],
    ['https://127.0.0.1/token', 'https://10.0.0.1', 'this very machine'],
    ['https://0.0.0.0/token', 'https://reg.example', 'an address of the local link'],
    ['https://[::]/token', 'https://reg.example', 'an address of the local link'],
    ['https://169.254.169.254/token', 'https://reg.example', 'an address of the local link'],
    ['http://169.254.169.254/token', 'http://127.0.0.1:5000', 'an address of the local link'],
    ['https://[fe80::1]/token', 'https://10.0.0.1', 'an address of the local link'],
    ['https://10.0.0.1/token', 'https://reg.example', 'a private network'],
    ['https://172.16.0.1/token', 'https://8.8.8.8', 'a private network'],
    ['https://192.168.0.1/token', 'http://127.0.0.1:5000', 'a private network'],
    ['https://100.64.0.1/token', 'https://reg.example', 'a private network'],
    ['https://[fd00::1]/token', 'https://reg.example', 'a private network'],
    ['https://[64:ff9b::a00:1]/token', 'https://reg.example', 'a private network'],
  ])('%s for %s: %s', (realm, registry, reason) => {
    expect(() => check(realm, registry)).toThrow(
      expect.objectContaining({ code: 'POLICY', message: expect.stringContaining(reason) }),
    )
  })

  test.each([
    ['http://auth.example/token', 'tell it that it is served over https'],
    ['https://10.0.0.1/token', 'give its token server a host name'],
    ['/token', 'set up wrongly'],
  ])('%s, with a hint at who can mend it', (realm, hint) => {
    expect(() => check(realm, 'https://reg.example')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(hint) }),
    )
  })

  test('without a secret in the message', () => {
    expect(() => check('https://me:hunter2@auth.example/token?key=hunter3', 'https://reg.example')).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/hunter/) }),
    )
  })
})
