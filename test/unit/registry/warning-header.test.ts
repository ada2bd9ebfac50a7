import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { tellOnce } from '../../../src/registry/tell-once.ts'
import { tellWarnings } from '../../../src/registry/warning-header.ts'

async function told(...headers: (string | string[] | undefined)[]): Promise<string[]> {
  const messages: string[] = []
  const queue = [...headers]
  const send = tellWarnings(tellOnce((message) => messages.push(message)))(async ({ url }) => ({
    status: 200,
    headers: { warning: queue.shift() },
    body: Readable.from([]),
    url,
  }))
  for (const _ of headers)
    await send({ method: 'GET', url: new URL('https://reg.io/v2/'), purpose: 'manifest' })
  return messages
}

describe("a registry's warnings", () => {
  test.each<[string, string | string[] | undefined, string[]]>([
    ['one', '299 - "moved to quay.io"', ['moved to quay.io']],
    ['several lines', ['299 - "one"', '299 - "two, three"'], ['one', 'two, three']],
    ['escapes', '299 - "say \\"hi\\""', ['say "hi"']],
    ['control characters', '299 - "red \u001b[31m"', ['red \\u{1b}[31m']],
    ['another code', '110 - "stale"', []],
    ['a warning in the text of another', '299 - "x, 299 - y"', ['x, 299 - y']],
    ['something else', 'beware', []],
    ['nothing', undefined, []],
  ])('are told: %s', async (_, header, texts) => {
    expect(await told(header)).toEqual(texts.map((text) => `reg.io says: ${text}`))
  })

  test('are told once', async () => {
    expect(await told('299 - "a"', '299 - "b"', '299 - "a"')).toEqual(['reg.io says: a', 'reg.io says: b'])
  })
})
