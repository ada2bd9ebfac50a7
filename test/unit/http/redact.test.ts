import { expect, test } from 'vitest'
import { redactHeaders, redactUrl } from '../../../src/http/redact.ts'

test.each([
  ['https://registry.example/v2/a/manifests/1', 'https://registry.example/v2/a/manifests/1'],
  ['https://user:secret@registry.example/v2/', 'https://registry.example/v2/'],
  ['https://user@registry.example/', 'https://registry.example/'],
  ['//user:secret@cdn.example/blob', '//cdn.example/blob'],
  ['https://a@b@registry.example/', 'https://registry.example/'],
  [
    'https://cdn.example/b?X-Amz-Signature=abc&se=1&sig=a%3D=',
    'https://cdn.example/b?X-Amz-Signature=***&se=***&sig=***',
  ],
  [
    'https://auth.example/token?service=s&scope=repository:a:pull&account=me',
    'https://auth.example/token?service=s&scope=repository:a:pull&account=***',
  ],
  ['https://m.example/v2/?ns=docker.io&n=10&last=x', 'https://m.example/v2/?ns=docker.io&n=10&last=x'],
  ['/v2/a/blobs/uploads/?_state=secret#fragment', '/v2/a/blobs/uploads/?_state=***'],
  ['https://cdn.example/b?secret', 'https://cdn.example/b?***'],
  ['https://cdn.example/b?a=1?token=2', 'https://cdn.example/b?a=***'],
  ['https://registry.example/v2/@at', 'https://registry.example/v2/@at'],
  ['https://evil.example/\x1b[2J', 'https://evil.example/\\u{1b}[2J'],
])('%j is printed as %j', (url, expected) => {
  expect(redactUrl(url)).toBe(expected)
})

test('a URL object is printed like its text', () => {
  expect(redactUrl(new URL('https://u:p@h.example/x?y=z'))).toBe('https://h.example/x?y=***')
})

test('headers that carry secrets are hidden, signed URLs are redacted, the rest is harmless text', () => {
  const shown = redactHeaders({
    authorization: 'Bearer secret',
    'Proxy-Authorization': 'Basic secret',
    cookie: 'secret',
    'set-cookie': ['secret', 'secret2'],
    'x-registry-auth': 'secret',
    'x-amz-security-token': 'secret',
    location: 'https://cdn.example/b?sig=secret',
    accept: 'a, b',
    'www-authenticate': 'Bearer realm="https://u:secret@h.example/t?key=secret",service="s"',
    link: undefined,
    warning: ['one', 'two\x1b'],
  })
  expect(shown).toEqual({
    authorization: '***',
    'Proxy-Authorization': '***',
    cookie: '***',
    'set-cookie': '***',
    'x-registry-auth': '***',
    'x-amz-security-token': '***',
    location: 'https://cdn.example/b?sig=***',
    accept: 'a, b',
    'www-authenticate': 'Bearer realm="https://h.example/t?key=***",service="s"',
    warning: 'one, two\\u{1b}',
  })
  expect(JSON.stringify(shown)).not.toContain('secret"')
})
