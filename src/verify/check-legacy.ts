import { posix } from 'node:path'
import { quote } from '../errors.ts'
import { decodeText, expectObject, type JsonObject, optionalString, parseJsonObject } from '../oci/json.ts'
import { type CheckContext, decodeOr, documentBytes, findFile } from './check-image.ts'

/** A directory for one layer, as docker had them before layers were named by their content. */
const layerDirectory = /^[0-9a-f]{64}$/

/**
 * What docker before 1.10 goes by, where it is there: for each layer a directory with VERSION and `json`, and `repositories`,
 * which names the topmost layer of each tag. Only what contradicts itself is a problem.
 */
export function checkLegacyFiles(context: CheckContext): void {
  for (const id of layerDirectories(context)) {
    checkVersion(id, context)
    checkLayerJson(id, context)
  }
  checkRepositories(context)
}

function layerDirectories({ table }: CheckContext): readonly string[] {
  const paths = [...table.directories(), ...[...table.files()].map(({ path }) => posix.dirname(path))]
  return [...new Set(paths)].filter((path) => layerDirectory.test(path))
}

function checkVersion(id: string, { table, problems }: CheckContext): void {
  const file = table.find(`${id}/VERSION`)
  if (typeof file === 'string' || file.bytes?.toString().trim() === '1.0') return
  problems.broken(`${id}/VERSION`, 'does not say 1.0', file.path)
}

function checkLayerJson(id: string, context: CheckContext): void {
  const place = `${id}/json`
  const file = context.table.find(place)
  if (typeof file === 'string') return
  const { table, problems, complete } = context
  const bytes = documentBytes(file, place, context)
  const json = bytes && decodeOr(() => decodeLayerJson(bytes), { place, about: place, problems })
  if (!json) return
  if (json.id !== id) problems.broken(place, `says that its layer is ${quote(json.id ?? '')}`, place)
  const { parent } = json
  const isThere = parent === undefined || table.has(`${parent}/json`)
  if (!isThere && complete)
    problems.broken(place, `says that ${quote(parent)} is below it, which is not there`, place)
}

function decodeLayerJson(bytes: Buffer) {
  const json = parseJsonObject(decodeText(bytes), 'it')
  return { id: optionalString(json, 'id', 'it'), parent: optionalString(json, 'parent', 'it') }
}

/** Resolves to the names that `repositories` has. */
function checkRepositories(context: CheckContext): readonly string[] {
  const place = 'repositories'
  const { table, problems, complete } = context
  const file = table.find(place)
  if (typeof file === 'string') return []
  const bytes = documentBytes(file, place, context)
  const tags = bytes && decodeOr(() => decodeRepositories(bytes), { place, about: place, problems })
  for (const [name, id] of tags ?? []) {
    const paths = [`${id}/layer.tar`, `${id}/json`, `blobs/sha256/${id}`]
    if (id === '' || !complete || paths.some((path) => table.has(path))) continue
    problems.broken(place, `names the layer ${quote(id)} for ${name}, which is not there`, place)
  }
  return (tags ?? []).map(([name]) => name)
}

/** `name:tag` and the layer on top. */
function decodeRepositories(bytes: Buffer): readonly (readonly [string, string])[] {
  const repositories = parseJsonObject(decodeText(bytes), 'it')
  return Object.entries(repositories).flatMap(([name, value]) => {
    const tags: JsonObject = expectObject(value, 'a repository of it')
    return Object.keys(tags).map((tag) => [`${name}:${tag}`, optionalString(tags, tag, name) ?? ''] as const)
  })
}

/** An archive of docker before 1.10: nothing in it has a digest. Gives the names of its images. */
export function checkLegacyArchive(context: CheckContext): readonly string[] {
  for (const id of layerDirectories(context)) {
    const path = `${id}/layer.tar`
    findFile(path, path, context)
  }
  return checkRepositories(context)
}
