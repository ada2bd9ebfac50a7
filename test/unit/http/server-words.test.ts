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
      '<Error><Code>AccessDenied</Code></Error>',
      'application/xml',
      false,
      '<Error><Code>AccessDenied</Code></Error>',
    ],
    ['', undefined, false, ''],
  ])('tells a web page and its title: %j as %s', (body, contentType, isWebPage, text) => {
    expect(words(body, contentType)).toEqual({ codes: [], text, isWebPage })
  })

  test('makes codes and texts safe to print', () => {
    expect(words('{"errors":[{"code":"a\\u001bb","message":"c\\u202ed"}]}')).toEqual({
      codes: ['A\\u{1b}B'],
      text: 'c\\u{202e}d',
      isWebPage: false,
    })
  })

  test('survives bytes that are no text', () => {
    expect(serverWords(Uint8Array.of(0, 255, 254, 31, 139), undefined).text).toMatch(/^[^\0]*$/)
  })
})
