/** One way in that a server offers: RFC 9110 section 11.6.1. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  /** Names in lower case; values without their quotes. */
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * Reads WWW-Authenticate, one header line or several, in the order offered. Never throws: what makes no sense is left out.
 *
 *     header    = challenge *( "," challenge )
 *     challenge = scheme [ token68 | parameter *( "," parameter ) ]
 *     parameter = name "=" ( token | quoted-string )
 *
 * The comma separates parameters as well as challenges, so only the `=` tells which of them a word begins.
 * Registries also send values without quotes, empty values and spaces around the `=`.
 */
export function parseChallenges(header: string | readonly string[] | undefined): readonly Challenge[] {
  if (header === undefined) return []
  return typeof header === 'string' ? parseLine(header) : header.flatMap(parseLine)
}

/** True when only a password will do, which then goes along with every request: no token is had for it. */
export function wantsPassword(challenges: readonly Challenge[]): boolean {
  const offers = (name: string) => challenges.some(({ scheme }) => scheme === name)
  return offers('basic') && !offers('bearer')
}

interface OpenChallenge extends Challenge {
  readonly parameters: Record<string, string>
}

/** A comma, or a word that may have a value. */
const part = /,|(?<word>[^\s,="]+)(?<value>\s*=\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"?|(?<bare>[^\s,"]*)))?/gs

function parseLine(line: string): readonly Challenge[] {
  const challenges: OpenChallenge[] = []
  let behindScheme = false
  for (const { groups } of line.matchAll(part)) {
    const { word, value, quoted, bare } = groups ?? {}
    const current = challenges.at(-1)
    if (word !== undefined && value !== undefined) {
      if (current) current.parameters[word.toLowerCase()] = quoted?.replace(/\\(.)/gs, '$1') ?? bare ?? ''
    } else if (word !== undefined && !behindScheme) {
      challenges.push({ scheme: word.toLowerCase(), parameters: {} })
    }
    // A bare word right behind a scheme is a token68, which challenges of Basic and Bearer never have.
    behindScheme = word !== undefined && value === undefined
  }
  return challenges
}
