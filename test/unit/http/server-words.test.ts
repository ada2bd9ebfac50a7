import { describe, expect, test } from 'vitest'
import { serverWords } from '../../../src/http/server-words.ts'

const words = (body: string, contentType?: string) => serverWords(Buffer.from(body), contentType)

describe('serverWords', () => {
  test.each([
    ['<!DOCTYPE html><title>Sign in</title>', 'text/html', true, 'Sign in'],
    ['<html lang="en"><head><title class="x">\n Sign\n in </title>', undefined, true, 'Sign in'],
    ['\uFEFF  <HTML>', 'application/json', true, ''],
    ['please log in', 'text/html; charset=utf-8', true, ''],
    ['{"message":"mislabelled"}', 'text/html', false, 'mislabelled'],
    [
      '<Error>but not like that of a blob store',
      'application/xml',
      false,
      '<Error>but not like that of a blob store',
    ],
    ['', undefined, false, ''],
  ])('tells a web page and its title: %j as %s', (body, contentType, isWebPage, text) => {
    expect(words(body, contentType)).toEqual({ codes: [], text, isWebPage, isFromRegistry: false })
  })

  test.each([
    ['403 Forbidden', '<h1>403 Forbidden</h1><hr>nginx/1.27.2', '403 Forbidden'],
    [
      '403 Forbidden',
      '<p>This registry&nbsp;is closed in your country.</p>',
      '403 Forbidden: This registry is closed in your country.',
    ],
    [
      'Error',
      '<script>track("x")</script><!-- <p>secret</p> --><p>The server is\nbeing repaired.</p>',
      'Error: The server is being repaired.',
    ],
    ['', '<h1>Your session has been ended</h1>', 'Your session has been ended'],
    ['Sign in', '<p>A long text that nobody needs to read here.</p>', 'Sign in'],
    ['502', `<p>${'x'.repeat(300)}`, `502: ${'x'.repeat(194)}…`],
  ])('reads on below a title that says nothing: %s %s', (title, body, text) => {
    expect(words(`<html><head><title>${title}</title></head><body>${body}</body></html>`).text).toBe(text)
  })

  test.each([
    ['{"errors":[{"code":"denied","message":"no"}]}', ['DENIED'], 'no', true],
    ['{"errors":[{"errorCode":"SWR.1","errorMessage":"no"}]}', ['SWR.1'], 'no', true],
    ['{"errors":[{"status":404,"message":"no"}]}', [], 'no', false],
    ['{"code":"not_found","message":"no"}', ['NOT_FOUND'], 'no', false],
    [
      '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>',
      ['ACCESSDENIED'],
      'no',
      false,
    ],
  ])(
    'finds code and message, and whether a registry wrote them, in %s',
    (body, codes, text, isFromRegistry) => {
      expect(words(body)).toEqual({ codes, text, isWebPage: false, isFromRegistry })
    },
  )

  test('takes no long time over a page that is made to', () => {
    const page = `<html>${'<script'.repeat(9000)}${'<!--'.repeat(9000)}${'<title'.repeat(9000)}`
    const before = performance.now()
    words(page)
    expect(performance.now() - before).toBeLessThan(500)
  })

  test('makes codes and texts safe to print', () => {
    expect(words('{"errors":[{"code":"a\\u001bb","message":"c\\u202ed"}]}')).toEqual({
      codes: ['A\\u{1b}B'],
      text: 'c\\u{202e}d',
      isWebPage: false,
      isFromRegistry: true,
    })
  })

  test('survives bytes that are no text', () => {
    expect(serverWords(Uint8Array.of(0, 255, 254, 31, 139), undefined).text).toMatch(/^[^\0]*$/)
  })
})
