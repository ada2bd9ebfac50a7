import { beforeEach, expect, test, vi } from 'vitest'

const flags = vi.hoisted(() => [] as string[])
vi.mock('node:v8', () => ({ setFlagsFromString: (flag: string) => flags.push(flag) }))

const answer = async () => {
  flags.push('answer')
  return 'answer'
}

/** A process that has compiled nothing yet. */
async function newProcess() {
  vi.resetModules()
  return (await import('../../../src/http/compile-parser-once.ts')).compileParserOnce
}

const without = ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']
const asEver = ['--wasm-tier-up', '--wasm-dynamic-tiering']

beforeEach(() => {
  flags.length = 0
})

test.each([
  ['20.18.1', [...without, 'answer', ...asEver]],
  ['22.23.3', [...without, 'answer', ...asEver]],
  ['26.10.0', [...without, 'answer', ...asEver]],
  ['27.0.0', ['answer']],
])(
  'with Node %s, V8 is told nothing that it does not know, and finds itself as it was after the first answer',
  async (version, expected) => {
    const compileParserOnce = await newProcess()
    await expect(compileParserOnce(version, answer)).resolves.toBe('answer')
    expect(flags).toEqual(expected)
  },
)

test('V8 compiles everything after the first answer as ever', async () => {
  const compileParserOnce = await newProcess()
  await compileParserOnce('20.18.1', answer)
  flags.length = 0
  await compileParserOnce('20.18.1', answer)
  expect(flags).toEqual(['answer'])
})

test('a request that gets no answer compiles nothing: the next one is the first', async () => {
  const compileParserOnce = await newProcess()
  const refused = async () => {
    throw new Error('refused')
  }
  await expect(compileParserOnce('20.18.1', refused)).rejects.toThrow('refused')
  expect(flags).toEqual([...without, ...asEver])
  flags.length = 0
  await compileParserOnce('20.18.1', answer)
  expect(flags).toEqual([...without, 'answer', ...asEver])
})
