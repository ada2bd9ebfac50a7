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
  return import('../../../src/http/compile-parser-once.ts')
}

const without = ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']
const asEver = ['--wasm-tier-up', '--wasm-dynamic-tiering']

beforeEach(() => {
  flags.length = 0
})

test.each([
  ['20.18.1', [...without, 'answer', ...asEver]],
  ['26.10.0', [...without, 'answer', ...asEver]],
  ['27.0.0', ['answer']],
])(
  'with Node %s, V8 is told nothing that it does not know, and is as it was after the first answer',
  async (version, expected) => {
    const { compileParserOnce, compileForAnswer } = await newProcess()
    compileParserOnce(version)
    await expect(compileForAnswer(answer)).resolves.toBe('answer')
    expect(flags).toEqual(expected)
  },
)

test('a process that is not ours alone is left as it is', async () => {
  const { compileForAnswer } = await newProcess()
  await compileForAnswer(answer)
  expect(flags).toEqual(['answer'])
})

test('V8 compiles everything after the first answer as ever', async () => {
  const { compileParserOnce, compileForAnswer } = await newProcess()
  compileParserOnce('20.18.1')
  await compileForAnswer(answer)
  flags.length = 0
  await compileForAnswer(answer)
  expect(flags).toEqual(['answer'])
})

test('a request that gets no answer compiles nothing: the next one is the first', async () => {
  const { compileParserOnce, compileForAnswer } = await newProcess()
  compileParserOnce('20.18.1')
  const refused = async () => {
    throw new Error('refused')
  }
  await expect(compileForAnswer(refused)).rejects.toThrow('refused')
  expect(flags).toEqual([...without, ...asEver])
  flags.length = 0
  await compileForAnswer(answer)
  expect(flags).toEqual([...without, 'answer', ...asEver])
})
