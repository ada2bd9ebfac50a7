import { readFile } from 'node:fs/promises'
import { DrayError, isDrayError, quote, systemErrorCode } from '../errors.ts'
import type { Credential, CredentialSource } from './credential.ts'
import type { CredentialHelper } from './credential-helper.ts'
import { decodeEntry, isObject, type JsonObject, textAt } from './docker-config-entry.ts'
import { findKey, serverUrl } from './docker-config-keys.ts'

export interface DockerConfigOptions {
  /** How to ask a credential helper; without it, what only a helper knows is passed over with a warning. */
  readonly helper?: CredentialHelper | undefined
  readonly onWarning?: ((message: string) => void) | undefined
  /** What a credential is said to come from; default: the file. */
  readonly from?: string | undefined
}

/**
 * The credentials in docker's config.json or podman's auth.json, read when the first is asked for. A missing file
 * holds none. Rejects with FILE for a file that cannot be read or makes no sense, and for an entry that makes no sense
 * when it is the one that is wanted; with UNAUTHORIZED when the helper that is to know is broken.
 */
export function dockerConfigSource(file: string, options: DockerConfigOptions = {}): CredentialSource {
  return lazySource(file, decodeConfig, options)
}

/** The same for docker's `.dockercfg` of old: entries only, of hosts only. */
export function legacyDockerConfigSource(file: string, options: DockerConfigOptions = {}): CredentialSource {
  const { find } = lazySource(file, decodeLegacyConfig, options)
  return { find: (registry) => find(registry) }
}

/** The same from the text of a config.json, as CI systems put it into a variable; `name` is what errors call it. */
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

export interface DockerConfig {
  readonly auths: JsonObject
  readonly credHelpers: JsonObject
  readonly credsStore: string
}

function lazySource(
  file: string,
  decode: (text: string, name: string) => DockerConfig,
  options: DockerConfigOptions,
) {
  let config: Promise<DockerConfig> | undefined
  return {
    async find(registry: string, repository?: string) {
      config ??= readText(file).then((text) => decode(text, file))
      return findIn(await config, { name: file, registry, repository, ...options })
    },
  }
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    const code = systemErrorCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return '{}'
    throw new DrayError('FILE', `cannot read the credentials in ${file} (${code})`, { cause })
  })
}

/** What the text of a config.json says; `name` is what errors call it. Throws FILE for what makes no sense. */
export function decodeConfig(text: string, name: string): DockerConfig {
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

function decodeLegacyConfig(text: string, name: string): DockerConfig {
  return { auths: parseJson(text, name), credHelpers: {}, credsStore: '' }
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
  readonly repository?: string | undefined
}

/**
 * A helper for this very registry has the last word, as in docker and podman. The store for all registries comes
 * before `auths`, where docker leaves outdated entries behind; what it does not know may still stand there.
 */
async function findIn(config: DockerConfig, search: Search): Promise<Credential | undefined> {
  const { registry, repository, name, from = name } = search
  const key = findKey(config.auths, registry, repository)
  const ownHelper = helperFor(config.credHelpers, search)
  if (search.helper && ownHelper) return askHelper(search.helper, ownHelper, search)
  if (search.helper && config.credsStore) {
    const stored = await askHelper(search.helper, config.credsStore, search)
    if (stored) return stored
  }
  const credential = key === undefined ? undefined : decodeEntry(config.auths[key], `${key} in ${name}`)
  const helper = ownHelper || (key !== undefined && config.credsStore)
  if (!credential && !search.helper && helper) search.onWarning?.(helperWarning(helper, search))
  return credential && { ...credential, from }
}

function helperFor(credHelpers: JsonObject, { registry, repository }: Search): string {
  const key = findKey(credHelpers, registry, repository)
  return key === undefined ? '' : textAt(credHelpers, key)
}

/** Whoever hears of a helper wants to know which file it stands in. */
async function askHelper(
  ask: CredentialHelper,
  helper: string,
  { registry, name, from = name }: Search,
): Promise<Credential | undefined> {
  const credential = await ask(helper, serverUrl(registry)).catch((error: unknown) => {
    if (!isDrayError(error, 'UNAUTHORIZED')) throw error
    const message = `${error.message}; ${name} leaves the login for ${registry} to it`
    throw new DrayError('UNAUTHORIZED', message, { hint: error.hint, cause: error.cause })
  })
  return credential && { ...credential, from: `docker-credential-${helper}, named by ${from}` }
}

function helperWarning(helper: string, { registry, name }: Search): string {
  return `${name} leaves the credentials for ${registry} to the helper ${quote(helper)}, which was not asked`
}
