import { readFile } from 'node:fs/promises'
import { DrayError, isDrayError, systemErrorCode } from '../errors.ts'
import { type DockerConfig, decodeConfig } from './docker-config.ts'
import { textAt } from './docker-config-entry.ts'
import { findKey, normalizeKey, serverUrl } from './docker-config-keys.ts'
import { formatJsonText, type JsonMember, type JsonNode, jsonMember, parseJsonText } from './json-text.ts'
import { rewriteFile } from './rewrite-file.ts'

/** Speaks to the program `docker-credential-<helper>`; undefined when it knows no such server. */
export type RunHelper = (
  helper: string,
  action: 'get' | 'store' | 'erase',
  input: string,
) => Promise<string | undefined>

export interface LoginFileOptions {
  readonly runHelper: RunHelper
}

/** Where a login is kept. */
export interface LoginPlace {
  readonly file: string
  /** The helper that the file leaves it to. */
  readonly helper?: string | undefined
}

/**
 * Stores a user name and password for a registry by docker's rules: with the helper that the file names, otherwise in
 * the file itself. The rest of the file stays as it is; other spellings of the registry's name, which some tools look at
 * first, go. Rejects with FILE, UNAUTHORIZED when the helper is broken; then the file has not changed.
 */
export async function saveCredential(
  file: string,
  registry: string,
  { username, password }: { readonly username: string; readonly password: string },
  { runHelper }: LoginFileOptions,
): Promise<LoginPlace> {
  const helper = helperFor(decode(await readText(file), file), registry)
  const key = serverUrl(registry)
  if (helper) {
    const secret = { ServerURL: key, Username: username, Secret: password }
    await runHelper(helper, 'store', JSON.stringify(secret))
  }
  // Docker lists the registries of its helpers by empty entries.
  const auth = helper ? [] : [jsonMember('auth', scalar(base64(`${username}:${password}`)))]
  const entry = jsonMember(key, { kind: 'object', members: auth })
  await rewriteFile(file, (text) =>
    editAuths(checked(text, file), (auths) => insert(entry, without(registry, auths))),
  )
  return { file, helper }
}

/**
 * Forgets the login for a registry, under every name that it is looked up by. Resolves to undefined, and touches
 * nothing, when there is none. Rejects as {@link saveCredential} does.
 */
export async function eraseCredential(
  file: string,
  registry: string,
  { runHelper }: LoginFileOptions,
): Promise<LoginPlace | undefined> {
  const config = decode(await readText(file), file)
  const helper = helperFor(config, registry)
  const isFiled = Object.keys(config.auths).some((key) => normalizeKey(key) === registry)
  const url = serverUrl(registry)
  const isKept = helper !== undefined && (isFiled || (await runHelper(helper, 'get', url)) !== undefined)
  if (isKept) await runHelper(helper, 'erase', url)
  if (isFiled) {
    await rewriteFile(file, (text) => editAuths(checked(text, file), (auths) => without(registry, auths)))
  }
  return isFiled || isKept ? { file, helper } : undefined
}

/** One for this very registry before the one for all. */
function helperFor({ credHelpers, credsStore }: DockerConfig, registry: string): string | undefined {
  const key = findKey(credHelpers, registry)
  return (key === undefined ? '' : textAt(credHelpers, key)) || credsStore || undefined
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const code = systemErrorCode(cause)
    if (code === 'ENOENT') return undefined
    throw new DrayError('FILE', `cannot read ${file} (${code})`, {
      hint: 'name another file with --authfile',
      cause,
    })
  }
}

/** Docker takes an empty file for one that says nothing. */
function plain(text = ''): string {
  return text.replace(/^\uFEFF/, '').trim() || '{}'
}

/** Whoever cannot read a file must not write it. */
function decode(text: string | undefined, file: string): DockerConfig {
  try {
    return decodeConfig(plain(text), file)
  } catch (error) {
    if (!isDrayError(error)) throw error
    throw new DrayError('FILE', error.message, {
      hint: 'repair the file, which has not been changed, or name another with --authfile',
    })
  }
}

function checked(text: string | undefined, file: string): string {
  decode(text, file)
  return plain(text)
}

type Edit = (entries: readonly JsonMember[]) => readonly JsonMember[]

/** Docker writes `auths` first. Where it stands twice, the last is the one that counts. */
function editAuths(text: string, edit: Edit): string {
  const members = membersOf(parseJsonText(text))
  const entries = membersOf(members.findLast(isAuths)?.value)
  const auths = jsonMember('auths', { kind: 'object', members: edit(entries) })
  const place = Math.max(0, members.findIndex(isAuths))
  const rest = members.filter((member) => !isAuths(member))
  return formatJsonText({ kind: 'object', members: rest.toSpliced(place, 0, auths) })
}

function isAuths({ key }: JsonMember): boolean {
  return key === 'auths'
}

function membersOf(node: JsonNode | undefined): readonly JsonMember[] {
  return node?.kind === 'object' ? node.members : []
}

/** Entries for a part of the registry (`host/team`) are logins of their own. */
function without(registry: string, entries: readonly JsonMember[]): readonly JsonMember[] {
  return entries.filter(({ key }) => normalizeKey(key) !== registry)
}

/** Docker writes entries in the order of their names. */
function insert(entry: JsonMember, entries: readonly JsonMember[]): readonly JsonMember[] {
  const place = entries.findIndex(({ key }) => key > entry.key)
  return entries.toSpliced(place < 0 ? entries.length : place, 0, entry)
}

function scalar(text: string): JsonNode {
  return { kind: 'scalar', text: JSON.stringify(text) }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
