import { decodeConfig, helperFor, parseJson, readDockerConfig } from './docker-config.ts'
import type { JsonObject } from './docker-config-entry.ts'
import { normalizeKey, serverUrl } from './docker-config-keys.ts'
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
 * the file itself. What the file says of other things stays; other spellings of the registry's name, which some tools
 * look at first, go. Rejects with FILE, UNAUTHORIZED when the helper is broken; then the file has not changed.
 */
export async function saveCredential(
  file: string,
  registry: string,
  { username, password }: { readonly username: string; readonly password: string },
  { runHelper }: LoginFileOptions,
): Promise<LoginPlace> {
  const { helper } = helperFor(await readDockerConfig(file), registry)
  const key = serverUrl(registry)
  if (helper) {
    const secret = { ServerURL: key, Username: username, Secret: password }
    await runHelper(helper, 'store', JSON.stringify(secret))
  }
  // Docker lists the registries of its helpers by empty entries.
  const entry = helper ? {} : { auth: Buffer.from(`${username}:${password}`).toString('base64') }
  await editAuths(file, (auths) => ({ ...without(registry, auths), [key]: entry }))
  return { file, helper: helper || undefined }
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
  const config = await readDockerConfig(file)
  const { helper } = helperFor(config, registry)
  const isFiled = Object.keys(config.auths).some((key) => normalizeKey(key) === registry)
  const url = serverUrl(registry)
  const isKept = helper !== '' && (isFiled || (await runHelper(helper, 'get', url)) !== undefined)
  if (isKept) await runHelper(helper, 'erase', url)
  if (isFiled) await editAuths(file, (auths) => without(registry, auths))
  return isFiled || isKept ? { file, helper: helper || undefined } : undefined
}

/** Writes as docker does: `auths` first, entries in the order of their names, tabs, no `&` as such. Whoever cannot read a file must not write it. */
async function editAuths(file: string, edit: (auths: JsonObject) => JsonObject): Promise<void> {
  await rewriteFile(file, (text = '') => {
    const { auths: _, ...settings } = parseJson(text, file)
    const entries = Object.entries(edit(decodeConfig(text, file).auths))
    const auths = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
    const json = JSON.stringify({ auths, ...settings }, undefined, '\t')
    return json.replace(/[<>&]/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`)
  })
}

/** Entries for a part of the registry (`host/team`) are logins of their own. */
function without(registry: string, auths: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => normalizeKey(key) !== registry))
}
