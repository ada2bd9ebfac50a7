import { DrayError } from '../errors.ts'

/** One of a few words, or undefined when nothing was said. Throws USAGE for anything else. */
export function oneOf<T extends string>(
  what: string,
  value: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (value === undefined) return undefined
  const choice = choices.find((candidate) => candidate === value)
  if (choice) return choice
  throw new DrayError('USAGE', `${what} cannot be ${JSON.stringify(value)}`, {
    hint: `it is one of ${choices.join(', ')}`,
  })
}

interface Range {
  readonly whole?: boolean
  readonly above?: number
  readonly atLeast?: number
  readonly atMost: number
}

/** A number in a range, or undefined when nothing was said. Throws USAGE for anything else. */
export function numberIn(what: string, text: string | undefined, range: Range): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  const { whole = false, above = -1, atLeast = 0, atMost } = range
  if (value > above && value >= atLeast && value <= atMost && (!whole || Number.isInteger(value)))
    return value
  const from = range.above === undefined ? `from ${atLeast} to` : `above ${above}, up to`
  throw new DrayError('USAGE', `${what} cannot be ${JSON.stringify(text)}`, {
    hint: `it is a ${whole ? 'whole ' : ''}number ${from} ${atMost}`,
  })
}
