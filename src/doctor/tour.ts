import type { RequestInfo } from '../http/trace.ts'
import type { Transport } from '../http/transport.ts'
import type { Endpoint } from '../registry/endpoint.ts'
import type { EndpointLogin } from '../registry/endpoint-login.ts'
import { nobodyToAsk } from '../registry/round.ts'
import { checkApi, checkChallenge } from './check-api.ts'
import { checkBlob } from './check-blob.ts'
import { checkConnection } from './check-connection.ts'
import { checkCredentials, passwordTest } from './check-credentials.ts'
import { checkHeaders } from './check-headers.ts'
import { checkManifest, checkPlatform, type Wish } from './check-image.ts'
import { type Finding, isFailure, type RunStep, type Step, stepRunner } from './finding.ts'
import type { Exchange } from './observe.ts'
import type { Wires } from './reach.ts'
import { startVisit } from './visit.ts'

/** What all visits share. */
export interface Tour {
  readonly wish: Wish
  readonly endpoints: readonly Endpoint[]
  readonly transport: Transport
  readonly wires: Wires
  readonly loginAt: (endpoint: Endpoint) => EndpointLogin
  readonly onRequest: (info: RequestInfo) => void
  readonly tell: (finding: Finding) => void
}

/**
 * Visits the endpoints until one works, as a pull goes on to the next when one is broken. One that is for tags only is not
 * enough for a pull. Resolves to whether one works.
 */
export async function visitInTurn(tour: Tour): Promise<boolean> {
  const { registry, repository } = tour.wish.reference
  const broken: string[] = []
  for (const endpoint of tour.endpoints) {
    const { host } = endpoint.root
    const run = stepRunner(tour.tell, host)
    if (isForOthers(endpoint, tour.wish)) {
      const summary = `${host} is only asked for ${endpoint.serves}`
      await run('endpoint', async () => ({ status: 'skipped', summary, value: undefined }))
    } else if (!(await worksAt(endpoint, run, tour))) broken.push(host)
    else if (endpoint.serves !== 'tags') {
      await warnOf(broken, host, tour)
      return true
    }
  }
  if (broken.length > 0) return false
  return stepRunner(tour.tell)('endpoint', () => Promise.reject(nobodyToAsk(registry, repository)))
}

/** A tag is asked for first, and everything else by its digest. */
function isForOthers({ serves }: Endpoint, { reference }: Wish): boolean {
  return serves === (reference.digest === undefined ? 'digests' : 'tags')
}

/** Takes every step at an endpoint that can be taken; those after a failure are skipped. */
async function worksAt(endpoint: Endpoint, run: RunStep, tour: Tour): Promise<boolean> {
  const done = new Set<Step>()
  const runOnce: RunStep = (step, work) => {
    done.add(step)
    return run(step, work)
  }
  const exchanges: Exchange[] = []
  const works = await visit(endpoint, exchanges, runOnce, tour).then(() => true, isOver)
  const last = [...done].at(-1)
  // Needs no network, and may be the next thing to fail.
  if (!done.has('credentials')) {
    await checkCredentials(tour.loginAt(endpoint), endpoint, runOnce).then(() => true, isOver)
  }
  for (const step of steps.filter((each) => !done.has(each))) {
    const summary = `not looked at, since ${last} failed`
    await run(step, async () => ({ status: 'skipped', summary, value: undefined }))
  }
  await checkHeaders(exchanges, endpoint.root, run)
  return works
}

function isOver(error: unknown): false {
  if (isFailure(error)) return false
  throw error
}

/** What is looked at for each endpoint, in this order. */
const steps: readonly Step[] = [
  'dns',
  'tcp',
  'proxy',
  'tls',
  'api',
  'challenge',
  'credentials',
  'token',
  'manifest',
  'platform',
  'blob',
]

async function visit(
  endpoint: Endpoint,
  exchanges: Exchange[],
  run: RunStep,
  { wish, wires, loginAt, ...tour }: Tour,
): Promise<void> {
  const { root: url, withoutTls } = endpoint
  const root = await checkConnection({ url, purpose: 'ping', withoutTls }, wires, run)
  const login = loginAt(endpoint)
  const name = wish.reference.repository
  const visit = startVisit({ ...tour, endpoint, root, login, name, exchanges, wires, run })
  const challenges = await checkApi(visit)
  await checkChallenge(challenges, visit)
  await checkCredentials(login, endpoint, run, passwordTest(challenges, visit))
  const content = await checkManifest(wish.reference, visit)
  const blob = await checkPlatform(content, wish, visit)
  await checkBlob(blob, visit)
}

async function warnOf(broken: readonly string[], host: string, { tell }: Tour): Promise<void> {
  if (broken.length === 0) return
  const summary = `a pull works, but has to go on to ${host}: ${broken.join(', ')} failed`
  await stepRunner(tell)('endpoint', async () => ({ status: 'warning', summary, value: undefined }))
}
