import { DrayError, isDrayError } from '../errors.ts'
import { sameOrigin } from '../http/origin.ts'
import type { Endpoint, Route } from './endpoint.ts'
import type { Repository } from './repository.ts'
import { isSilence, type Standing } from './standing.ts'

/** A repository at one endpoint. */
export interface Place {
  readonly endpoint: Endpoint
  /** `docker.io`, `the mirror m.example:5000`. */
  readonly name: string
  readonly repository: Repository
}

export interface RoundOptions {
  readonly route: Pick<Route, 'registry' | 'repository'>
  /** What the places are asked for. */
  readonly what: string
  readonly signal: AbortSignal
  readonly standing: Standing
  /** Tells a message once, or each that has a key of its own. */
  readonly onWarning: (message: string, key?: string) => void
  readonly onNote: (message: string) => void
}

/** One question, put to one place after another. */
export interface Round {
  /** The answer of the first place that has one, from where the round stands. Throws the verdict on all when none has. */
  ask<T>(question: (place: Place) => Promise<T>): Promise<T>
  /** The place that answered last has failed after all: the next is asked from here on. Rejects when the pull was cancelled. */
  broke(error: unknown): Promise<void>
}

interface Failure {
  readonly place: Place
  readonly error: DrayError
}

/** Puts a question to places, best first; those that have failed before, last. The last of the places is the registry itself. */
export function startRound(places: readonly Place[], options: RoundOptions): Round {
  const { signal, standing } = options
  const failures: Failure[] = []
  let current: Place | undefined

  const remaining = () => {
    const silent = failures.filter(({ error }) => isSilence(error)).map(({ place }) => place)
    const asked = failures.map(({ place }) => place)
    return places.filter(
      (place) => !asked.includes(place) && !silent.some((other) => isSameServer(other, place)),
    )
  }
  const choose = () => remaining().find(({ endpoint }) => !standing.isLate(endpoint)) ?? remaining()[0]

  const fail = (place: Place, problem: unknown) => {
    signal.throwIfAborted()
    if (!isDrayError(problem) || problem.code === 'ABORTED') throw problem
    const error = named(problem, place)
    failures.push({ place, error })
    if (place !== places.at(-1)) standing.failed(place.endpoint, error)
    const next = choose()
    if (next) tell({ place, error }, next, options)
  }
  const succeed = (place: Place) => {
    current = place
    standing.worked(place.endpoint)
    for (const failure of failures) {
      if (isSameServer(failure.place, place)) standing.supersede(failure.place.endpoint)
    }
  }
  return {
    async ask(question) {
      for (;;) {
        const place = choose()
        if (!place) throw verdict(failures, places, options)
        try {
          const answer = await question(place)
          succeed(place)
          return answer
        } catch (error) {
          fail(place, error)
        }
      }
    },
    async broke(error) {
      if (!current) throw error
      fail(current, error)
    },
  }
}

function isSameServer(a: Place, b: Place): boolean {
  return sameOrigin(a.endpoint.root, b.endpoint.root)
}

/** The error in the name of the place, for whoever knows only the registry's. */
function named(error: DrayError, { name, endpoint }: Place): DrayError {
  const { code, message, hint, cause } = error
  if (message.includes(name)) return error
  const host = endpoint.root.host.replace(/[^\w-]/g, '\\$&')
  const itsHost = new RegExp(`(the (registry|server) )?(?<![\\w.-])${host}(?![\\w:-]|\\.\\w)`)
  const text = itsHost.test(message) ? message.replace(itsHost, () => name) : `${name}: ${message}`
  return new DrayError(code, text, { hint, cause })
}

/** A mirror that just does not have something, or is written in another way, is no news. */
function tell({ place, error }: Failure, next: Place, { onWarning, onNote }: RoundOptions): void {
  const message = `${error.message}; going on with ${next.name}`
  if (error.code === 'NOT_FOUND' || isSameServer(place, next)) onNote(message)
  else onWarning(message, `${place.endpoint.root.href} ${error.code}`)
}

/** The registry itself knows best. What mirrors said stands beside it: the way to the image may be broken there. */
function verdict(
  failures: readonly Failure[],
  places: readonly Place[],
  { route, what }: RoundOptions,
): DrayError {
  const own = failures.find(({ place }) => place === places.at(-1)) ?? failures.at(-1)
  if (!own) return nobodyToAsk(route.registry, what)
  const { code, message, hint } = own.error
  const others = failures.filter((failure) => failure !== own).map(({ error }) => error.message)
  const lines = [hint, ...others].filter((line) => line !== undefined)
  return new DrayError(code, message, { hint: lines.join('\n') || undefined, cause: own.error })
}

/** The error where all endpoints of a registry are for something else. */
export function nobodyToAsk(registry: string, what: string): DrayError {
  return new DrayError('POLICY', `nothing that serves ${registry} may be asked for ${what}`, {
    hint: 'the configuration of its mirrors lets none of them, nor the registry itself, answer that',
  })
}
