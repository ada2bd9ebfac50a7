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
  readonly from: number
  readonly to: number
}

/** A number in a range, or undefined when nothing was said. Throws USAGE for anything else. */
export function numberIn(
  what: string,
  text: string | undefined,
  { whole = false, from, to }: Range,
): number | undefined {
  if (text === undefined) return undefined
  const pattern = whole ? /^\d+$/ : /^\d+(\.\d+)?$/
  if (pattern.test(text) && Number(text) >= from && Number(text) <= to) return Number(text)
  throw new DrayError('USAGE', `${what} cannot be ${JSON.stringify(text)}`, {
    hint: `it is a ${whole ? 'whole ' : ''}number from ${from} to ${to}`,
  })
}
