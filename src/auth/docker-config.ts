import { DrayError, isDrayError, quote, systemErrorCode } from '../errors.ts'
import { lineOfJsonMistake } from '../streams/json-mistake.ts'
import { readSmallFile, type SmallFileOptions } from '../streams/read-small-file.ts'
import type { Credential, CredentialSource } from './credential.ts'
import type { CredentialHelper } from './credential-helper.ts'
import { decodeEntry, isObject, type JsonObject } from './docker-config-entry.ts'
import { findKey, serverUrl } from './docker-config-keys.ts'

export interface DockerConfigOptions extends SmallFileOptions {
  /** How to ask a credential helper; without it, what a helper keeps is passed over with a warning. */
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
  return openSource(() => readDockerConfig(file, options), { name: file, ...options })
}

/** The same for docker's `.dockercfg` of old: entries only, of hosts only. */
export function legacyDockerConfigSource(file: string, options: DockerConfigOptions = {}): CredentialSource {
  const read = async () => {
    const auths = parseJson(await readText(file, options), file)
    return { auths, credHelpers: {}, credsStore: '', name: file }
  }
  const { find } = openSource(read, { name: file, ...options })
  return { find: (registry) => find(registry) }
}

/** The same from the text of a config.json, as CI systems put it into a variable; `name` is what errors call it. */
export function dockerConfigTextSource(
  text: string,
  name: string,
  options: DockerConfigOptions = {},
): CredentialSource {
  return openSource(async () => decodeConfig(text, name), { name, ...options })
}

/** What a config.json says. */
export interface DockerConfig {
  readonly auths: JsonObject
  readonly credHelpers: JsonObject
  readonly credsStore: string
  /** What errors call it. */
  readonly name: string
}

function openSource(read: () => Promise<DockerConfig>, options: Omit<Search, 'registry' | 'repository'>) {
  let config: Promise<DockerConfig> | undefined
  return {
    async find(registry: string, repository?: string) {
      config ??= read()
      return findIn(await config, { registry, repository, ...options })
    },
  }
}

interface Search extends DockerConfigOptions {
  /** What errors call the file. */
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
  const { helper, isOwn } = helperFor(config, registry)
  if (helper) {
    const kept = await askHelper(helper, search)
    if (kept || isOwn) return kept
  }
  const key = findKey(config.auths, registry, repository)
  const credential = key === undefined ? undefined : decodeEntry(config.auths[key], `${key} in ${name}`)
  return credential && { ...credential, from }
}

/** The helper that keeps the login for a registry, its own or the one for all; an empty one means the file itself, as in docker. */
export function helperFor(
  { credHelpers, credsStore, name }: DockerConfig,
  registry: string,
): { readonly helper: string; readonly isOwn: boolean } {
  const key = findKey(credHelpers, registry)
  return key === undefined
    ? { helper: credsStore, isOwn: false }
    : { helper: textAt(credHelpers, key, name), isOwn: true }
}

/** Whoever hears of a helper wants to know which file it stands in. */
async function askHelper(
  helper: string,
  { helper: ask, onWarning, registry, name, from = name }: Search,
): Promise<Credential | undefined> {
  if (!ask) {
    onWarning?.(
      `${name} leaves the login for ${registry} to the helper ${quote(helper)}, which was not asked`,
    )
    return undefined
  }
  const servers = new Set([registry, registry.toLowerCase()].map(serverUrl))
  for (const server of servers) {
    const credential = await ask(helper, server).catch((error: unknown) => {
      throw isDrayError(error, 'UNAUTHORIZED') ? brokenHelper(error) : error
    })
    if (credential) return { ...credential, from: `docker-credential-${helper}, named by ${from}` }
  }
  return undefined

  function brokenHelper({ message, hint, cause }: DrayError): DrayError {
    return new DrayError('UNAUTHORIZED', `${message}; ${name} leaves the login for ${registry} to it`, {
      hint: `repair docker-credential-${helper}, which ${name} names${hint === undefined ? '' : `: ${hint}`}`,
      cause,
    })
  }
}

/** What a config.json says; one that is not there, nothing. Rejects with FILE for what makes no sense. */
export async function readDockerConfig(file: string, options?: SmallFileOptions): Promise<DockerConfig> {
  return decodeConfig(await readText(file, options), file)
}

async function readText(file: string, options?: SmallFileOptions): Promise<string> {
  return readSmallFile(file, options).catch((error: unknown) => {
    if (isDrayError(error)) throw badFile(`cannot read the credentials: ${error.message}`, file)
    const code = systemErrorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return ''
    throw badFile(`cannot read the credentials in ${file} (${code})`, file, error)
  })
}

/** The same from its text; `name` is what errors call it. Throws FILE. */
export function decodeConfig(text: string, name: string): DockerConfig {
  const config = parseJson(text, name)
  const objectAt = (key: string) => {
    const value = config[key] ?? {}
    if (!isObject(value)) throw badFile(`"${key}" in ${name} is not a JSON object`, name)
    return value
  }
  return {
    auths: objectAt('auths'),
    credHelpers: objectAt('credHelpers'),
    credsStore: textAt(config, 'credsStore', name),
    name,
  }
}

function textAt(object: JsonObject, key: string, name: string): string {
  const value = object[key] ?? ''
  if (typeof value === 'string') return value
  throw badFile(`${quote(key)} in ${name} is not a string`, name)
}

/** The JSON object in a file; an empty file says nothing, as in docker. Throws FILE. */
export function parseJson(text: string, name: string): JsonObject {
  const json = text.replace(/^\uFEFF/, '')
  let value: unknown
  try {
    value = JSON.parse(json.trim() === '' ? '{}' : json)
  } catch (error) {
    // JSON.parse quotes the text around a mistake, which may be a password: its error goes no further.
    const line = lineOfJsonMistake(json, error)
    throw badFile(`the credentials in ${name} are not valid JSON (line ${line})`, name)
  }
  if (!isObject(value)) throw badFile(`the credentials in ${name} are not a JSON object`, name)
  return value
}

function badFile(message: string, name: string, cause?: unknown): DrayError {
  return new DrayError('FILE', message, {
    hint: `repair ${name}, or name another file with --authfile`,
    cause,
  })
}
