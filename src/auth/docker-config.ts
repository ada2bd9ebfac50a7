import { readFile } from 'node:fs/promises'
import { DrayError, quote, systemErrorCode } from '../errors.ts'
import type { Credential, CredentialSource } from './credential.ts'

/** Asks the program `docker-credential-<helper>` for the credential that it keeps for a server. */
export type CredentialHelper = (helper: string, serverUrl: string) => Promise<Credential | undefined>

export interface DockerConfigOptions {
  /** How to ask a credential helper; without it, what only a helper knows is passed over with a warning. */
  readonly helper?: CredentialHelper | undefined
  readonly onWarning?: ((message: string) => void) | undefined
}

/**
 * The credentials in docker's config.json or podman's auth.json, read when the first is asked for. A missing file
 * holds none. Throws FILE for a file that cannot be read or makes no sense, and for an entry that makes no sense
 * when it is the one that is wanted.
 */
export function dockerConfigSource(file: string, options: DockerConfigOptions = {}): CredentialSource {
  let config: Promise<DockerConfig> | undefined
  return {
    async find(registry, repository) {
      config ??= readConfig(file)
      return findIn(await config, { name: file, registry, repository, ...options })
    },
  }
}

/** The same from the text of such a file, as CI systems put it into a variable; `name` is what errors call it. */
export function dockerConfigTextSource(
  text: string,
  name: string,
  options: DockerConfigOptions = {},
): CredentialSource {
  return {
    find: async (registry, repository) =>
      findIn(decodeConfig(text, name), { name, registry, repository, ...options }),
  }
}

type JsonObject = Readonly<Record<string, unknown>>

interface DockerConfig {
  readonly auths: JsonObject
  readonly credHelpers: JsonObject
  readonly credsStore: string
}

async function readConfig(file: string): Promise<DockerConfig> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const code = systemErrorCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return '{}'
    throw new DrayError('FILE', `cannot read the credentials in ${file} (${code})`, { cause })
  })
  return decodeConfig(text, file)
}

function decodeConfig(text: string, name: string): DockerConfig {
  const config = parseJson(text, name)
  const objectAt = (key: string) => {
    const value = config[key] ?? {}
    if (!isObject(value)) throw new DrayError('FILE', `"${key}" in ${name} is not a JSON object`)
    return value
  }
  return {
    auths: objectAt('auths'),
    credHelpers: objectAt('credHelpers'),
    credsStore: textAt(config, 'credsStore'),
  }
}

/** JSON.parse quotes the text around a mistake, which may be a password: its error goes no further. */
function parseJson(text: string, name: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    throw new DrayError('FILE', `the credentials in ${name} are not valid JSON`)
  }
  if (!isObject(value)) throw new DrayError('FILE', `the credentials in ${name} are not a JSON object`)
  return value
}

interface Search extends DockerConfigOptions {
  readonly name: string
  readonly registry: string
  readonly repository: string
}

/**
 * A helper for this very registry has the last word, as in docker and podman. The store for all registries comes
 * before `auths`, where docker leaves outdated entries behind; what it does not know may still stand there.
 */
async function findIn(config: DockerConfig, search: Search): Promise<Credential | undefined> {
  const key = keyFor(config.auths, search)
  const ownHelper = helperFor(config.credHelpers, search)
  if (search.helper && ownHelper) return search.helper(ownHelper, serverUrl(search))
  if (search.helper && config.credsStore) {
    const stored = await search.helper(config.credsStore, serverUrl(search))
    if (stored) return stored
  }
  const credential =
    key === undefined ? undefined : decodeEntry(config.auths[key], `${key} in ${search.name}`)
  const helper = ownHelper || (key !== undefined && config.credsStore)
  if (!credential && !search.helper && helper) search.onWarning?.(helperWarning(helper, search))
  return credential
}

function helperWarning(helper: string, { registry, name }: Search): string {
  return `${name} leaves the credentials for ${registry} to the helper ${quote(helper)}, which was not asked`
}

function serverUrl({ registry }: Search): string {
  return registry === dockerHub ? 'https://index.docker.io/v1/' : registry
}

function helperFor(credHelpers: JsonObject, search: Search): string {
  const key = keyFor(credHelpers, search)
  return key === undefined ? '' : textAt(credHelpers, key)
}

/**
 * The entry for a repository: `host/a/b`, `host/a`, `host`, the longest first, as containers-auth.json(5) has it; each
 * literally before the other ways to write it. Never a part of a host name.
 */
function keyFor(entries: JsonObject, { registry, repository }: Search): string | undefined {
  const keys = Object.keys(entries)
  const normalized = new Map(keys.map((key) => [normalizeKey(key), key]))
  for (const name of namesOf(registry, repository)) {
    const key = Object.hasOwn(entries, name) ? name : normalized.get(name)
    if (key !== undefined) return key
  }
  return undefined
}

function namesOf(registry: string, repository: string): readonly string[] {
  const parts = repository.split('/')
  return [...parts.map((_, i) => [registry, ...parts.slice(0, parts.length - i)].join('/')), registry]
}

const dockerHub = 'docker.io'
const dockerHubHosts = new Set(['index.docker.io', 'registry-1.docker.io'])

/** `https://host/v1/` is how docker once wrote `host`; Docker Hub goes by several host names. */
function normalizeKey(key: string): string {
  const [, scheme, host = '', path = ''] = /^(https?:\/\/)?([^/]*)(.*)$/s.exec(key) ?? []
  const namespace = scheme !== undefined || /^\/(v[12]\/?)?$/.test(path) ? '' : path
  return (dockerHubHosts.has(host) ? dockerHub : host) + namespace
}

/** The order is docker's: a ready token, then a refresh token, then a password. An empty entry holds nothing. */
function decodeEntry(entry: unknown, where: string): Credential | undefined {
  if (!isObject(entry)) throw badEntry(where, 'it is not a JSON object')
  const registryToken = textAt(entry, 'registrytoken')
  if (registryToken) return { kind: 'registry-token', token: registryToken }
  const identityToken = textAt(entry, 'identitytoken')
  if (identityToken) return { kind: 'identity-token', token: identityToken }
  const auth = textAt(entry, 'auth')
  if (auth) return decodeAuth(auth, where)
  const username = textAt(entry, 'username')
  return username ? { kind: 'basic', username, password: textAt(entry, 'password') } : undefined
}

function decodeAuth(auth: string, where: string): Credential {
  if (!/^[\w+/-]+={0,2}$/.test(auth)) throw badEntry(where, '"auth" is not base64')
  const text = Buffer.from(auth, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 1) throw badEntry(where, '"auth" does not hold a user name, a colon and a password')
  return {
    kind: 'basic',
    username: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/^\0+|\0+$/g, ''),
  }
}

function badEntry(where: string, problem: string): DrayError {
  return new DrayError('FILE', `the credentials for ${where} make no sense: ${problem}`, {
    hint: 'log in again to write the entry anew',
  })
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textAt(object: JsonObject, key: string): string {
  const value = object[key]
  return typeof value === 'string' ? value : ''
}
