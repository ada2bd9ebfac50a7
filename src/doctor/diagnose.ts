import dns from 'node:dns/promises'
import type { CredentialSource } from '../auth/credential.ts'
import type { DrayError } from '../errors.ts'
import { createProxyResolver } from '../http/proxy.ts'
import { redactUrl } from '../http/redact.ts'
import { sanitize } from '../http/sanitize.ts'
import type { RequestInfo } from '../http/trace.ts'
import { type Network, type NetworkName, type NetworkOptions, openNetwork } from '../network.ts'
import { formatPlatform, hostPlatform, parsePlatform } from '../oci/platform.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { withoutSecret } from '../oci/reference-error.ts'
import type { Endpoint } from '../registry/endpoint.ts'
import { createLogins } from '../registry/endpoint-login.ts'
import type { Wish } from './check-image.ts'
import { type Finding, isFailure, type Outcome, type Say, stepRunner } from './finding.ts'
import type { Wires } from './reach.ts'
import { visitInTurn } from './tour.ts'

export interface DoctorOptions extends Omit<NetworkOptions, 'connections' | 'onWarning' | 'onNote'> {
  /** `os/architecture[/variant]`; default: linux on this machine's architecture. */
  readonly platform?: string | undefined
  /** Default: anonymous. */
  readonly credentials?: CredentialSource | undefined
  /** Told of every request but those for connections alone. */
  readonly onRequest?: ((info: RequestInfo) => void) | undefined
  /** Finds the addresses of a name; default: as other programs of this machine do. */
  readonly lookup?: Wires['lookup'] | undefined
  /** The clock of this machine, in milliseconds since 1970. */
  readonly now?: (() => number) | undefined
}

export interface Diagnosis {
  /** In full, or as it was typed when it is no reference. */
  readonly reference: string
  readonly findings: readonly Finding[]
  /** The first failure; absent when a pull would work, past a broken mirror even. */
  readonly failure?: DrayError
  /** What to do first, where something is wrong. */
  readonly first?: string
}

/**
 * Walks the way that a pull takes, up to the first byte of the first layer, and tells what came of each step. It goes on
 * after a failure as far as it can. Rejects only when it was cancelled.
 */
export async function diagnose(
  text: string,
  options: DoctorOptions,
  onStep: (finding: Finding) => void = () => {},
): Promise<Diagnosis> {
  const findings: Finding[] = []
  const tell = (finding: Finding) => {
    findings.push(finding)
    onStep(finding)
  }
  const run = stepRunner(tell)
  let reference = withoutSecret(text)
  let works = false
  try {
    const wanted = await run('reference', async () => readWish(text, options))
    reference = formatReference(wanted.reference)
    works = await lookAround({ text, ...wanted }, options, tell)
  } catch (error) {
    if (!isFailure(error)) throw error
  }
  return { reference, findings, ...verdict(findings, works) }
}

function readWish(text: string, { platform }: DoctorOptions) {
  const reference = parseReference(text)
  const wanted = platform === undefined ? hostPlatform() : parsePlatform(platform)
  const value: Wish = { reference, platform: wanted, platformIsWish: platform !== undefined }
  return { summary: `${formatReference(reference)} for ${formatPlatform(wanted)}`, value }
}

/** Finds the endpoints and visits them; resolves to whether one works. */
async function lookAround(
  wish: Wish & { readonly text: string },
  options: DoctorOptions,
  tell: (finding: Finding) => void,
): Promise<boolean> {
  const { credentials, onRequest = () => {} } = options
  const way = await stepRunner(tell)('endpoint', (say) => openWay(wish, options, say))
  const { network, endpoints, wires } = way
  try {
    const loginAt = createLogins({ credentials })
    const { transport } = network
    return await visitInTurn({ wish, endpoints, transport, wires, loginAt, onRequest, tell })
  } finally {
    await network.close()
  }
}

interface Way {
  readonly network: Network<NetworkName>
  readonly endpoints: readonly Endpoint[]
  readonly wires: Wires
}

async function openWay(
  { reference, text }: Wish & { readonly text: string },
  options: DoctorOptions,
  say: Say,
): Promise<Outcome<Way>> {
  const warnings: string[] = []
  const onWarning = (message: string) => warnings.push(message)
  const network = await openNetwork([{ reference, text }], { ...options, onNote: say, onWarning })
  const endpoints = network.routed.flatMap(({ route }) => route.endpoints)
  for (const { root, source, serves } of endpoints) {
    say(`${redactUrl(root)}, from ${source ?? 'the name of the image'}${serves ? `, for ${serves}` : ''}`)
  }
  const hosts = endpoints.map(({ root }) => root.host).join(', then ')
  return {
    status: warnings.length > 0 ? 'warning' : 'ok',
    summary: [hosts, ...warnings].join('; '),
    value: { network, endpoints, wires: connectWires(network, options) },
  }
}

function connectWires({ proxy, tls, tlsFor }: Network<NetworkName>, options: DoctorOptions): Wires {
  const { timeout = 30_000, userAgent = 'dray', signal = new AbortController().signal } = options
  const { lookup = lookUp, now = Date.now } = options
  return {
    proxyFor: createProxyResolver(proxy),
    tlsFor,
    tls,
    userAgent,
    lookup,
    patience: timeout / 2,
    signal,
    now,
  }
}

async function lookUp(hostname: string): Promise<readonly string[]> {
  return (await dns.lookup(hostname, { all: true })).map(({ address }) => address)
}

function verdict(findings: readonly Finding[], works: boolean): Pick<Diagnosis, 'failure' | 'first'> {
  const failed = findings.find(({ status }) => status === 'failed')
  if (!failed?.error) return {}
  const { error, summary } = failed
  return { ...(works ? {} : { failure: error }), first: sanitize(error.hint ?? summary) }
}
