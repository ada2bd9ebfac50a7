/** One kind of long run. */
export interface Part {
  readonly name: string
  /** What dray promises. */
  readonly promise: string
  /** Numbers that can be given as `--name N`, and what they are otherwise. */
  readonly numbers: Readonly<Record<string, number>>
  /** Resolves to what is to be told of it, or rejects. */
  run(setting: Setting): Promise<Report>
}

export interface Setting<Name extends string = string> {
  readonly seed: number
  readonly numbers: Readonly<Record<Name, number>>
  /** Words that are no options. */
  readonly words: readonly string[]
  /** The `bin/dray.js` to try. */
  readonly launcher: string
  /** Empty, and gone afterwards. */
  readonly directory: string
  say(line: string): void
}

export interface Report {
  /** Figures, in a line. */
  readonly summary: string
  /** What was not as promised. */
  readonly failures: readonly string[]
}

/** A part whose numbers are known by their names. */
export function definePart<Name extends string>(
  part: Omit<Part, 'numbers' | 'run'> & {
    readonly numbers: Readonly<Record<Name, number>>
    run(setting: Setting<Name>): Promise<Report>
  },
): Part {
  return {
    ...part,
    run: (setting) => part.run({ ...setting, numbers: { ...part.numbers, ...setting.numbers } }),
  }
}
