import { type Digest, digestHex, digestOf } from '../oci/digest.ts'
import type { ImageConfig } from '../oci/manifest.ts'
import { goTime } from './created.ts'
import { type GoValue, goJson } from './go-json.ts'

/** A layer as docker knew it before images were named by their content. */
export interface LegacyLayer {
  /** 64 hex digits; names the layer's directory in the archive. */
  readonly id: string
  /** The text of its file `json`. */
  readonly json: string
}

/**
 * The layers of an image, base first, with the ids and the `json` that `docker save` computes (docker up to 24, on a
 * machine in UTC). An id is the hash of the layer, of everything below it, and for the topmost one of the image's own
 * settings; see CreateID in moby's image/v1/imagev1.go.
 */
export function legacyLayers({ raw, diffIds }: Pick<ImageConfig, 'raw' | 'diffIds'>): readonly LegacyLayer[] {
  const top = imageFields(raw)
  const layers: LegacyLayer[] = []
  let chainId: Digest | undefined
  let parent: string | undefined
  for (const [i, diffId] of diffIds.entries()) {
    chainId = chainId ? digestOf(`${chainId} ${diffId}`) : diffId
    const fields = i === diffIds.length - 1 ? top : lowerFields
    const id = layerId(fields, chainId, parent)
    layers.push({ id, json: goJson({ id, parent, ...fields, os: top.os }) })
    parent = id
  }
  return layers
}

type Fields = Readonly<Record<string, GoValue | undefined>>

/** Hashed as a map, so its keys are sorted. */
function layerId(fields: Fields, chainId: Digest, parent: string | undefined): string {
  const hashed = { ...fields, layer_id: chainId, parent: parent && `sha256:${parent}` }
  return digestHex(digestOf(goJson(new Map(Object.entries(hashed)))))
}

/** moby's V1Image, without id and parent. Fields are undefined where Go leaves out empty ones. */
function imageFields(config: unknown): Fields {
  const field = fieldsOf(config)
  return {
    comment: text(field('comment')) || undefined,
    created: goTime(text(field('created'))),
    container: text(field('container')) || undefined,
    container_config: containerConfig(field('container_config')),
    docker_version: text(field('docker_version')) || undefined,
    author: text(field('author')) || undefined,
    config: isObject(field('config')) ? containerConfig(field('config')) : undefined,
    architecture: text(field('architecture')) || undefined,
    variant: text(field('variant')) || undefined,
    os: text(field('os')) || undefined,
    Size: integer(field('size')) || undefined,
  }
}

/** All that docker still knows of a layer below the topmost. */
const lowerFields: Fields = {
  created: '1970-01-01T00:00:00Z',
  container_config: containerConfig(undefined),
}

/** moby's container.Config, in the order of that struct; what is not in the struct is dropped. */
function containerConfig(config: unknown): Fields {
  const field = fieldsOf(config)
  return {
    Hostname: text(field('hostname')),
    Domainname: text(field('domainname')),
    User: text(field('user')),
    AttachStdin: flag(field('attachstdin')),
    AttachStdout: flag(field('attachstdout')),
    AttachStderr: flag(field('attachstderr')),
    ExposedPorts: unlessEmpty(keySet(field('exposedports'))),
    Tty: flag(field('tty')),
    OpenStdin: flag(field('openstdin')),
    StdinOnce: flag(field('stdinonce')),
    Env: list(field('env')),
    Cmd: command(field('cmd')),
    Healthcheck: isObject(field('healthcheck')) ? healthcheck(field('healthcheck')) : undefined,
    ArgsEscaped: flag(field('argsescaped')) || undefined,
    Image: text(field('image')),
    Volumes: keySet(field('volumes')),
    WorkingDir: text(field('workingdir')),
    Entrypoint: command(field('entrypoint')),
    NetworkDisabled: flag(field('networkdisabled')) || undefined,
    MacAddress: text(field('macaddress')) || undefined,
    OnBuild: list(field('onbuild')),
    Labels: textMap(field('labels')),
    StopSignal: text(field('stopsignal')) || undefined,
    StopTimeout: integer(field('stoptimeout')),
    Shell: unlessEmpty(command(field('shell'))),
  }
}

function healthcheck(value: unknown): Fields {
  const field = fieldsOf(value)
  return {
    Test: unlessEmpty(list(field('test'))),
    Interval: integer(field('interval')) || undefined,
    Timeout: integer(field('timeout')) || undefined,
    StartPeriod: integer(field('startperiod')) || undefined,
    Retries: integer(field('retries')) || undefined,
  }
}

/** Looks fields up in any case, as Go's decoder does; the last of several wins. */
function fieldsOf(value: unknown): (lowerCaseName: string) => unknown {
  const members = isObject(value) ? Object.entries(value) : []
  const fields = new Map(members.map(([name, member]) => [name.toLowerCase(), member]))
  return (name) => fields.get(name)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function flag(value: unknown): boolean {
  return value === true
}

function integer(value: unknown): number | undefined {
  return Number.isInteger(value) ? Number(value) : undefined
}

function list(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? value.map(text) : null
}

/** docker takes a single string for a list of one. */
function command(value: unknown): readonly string[] | null {
  return typeof value === 'string' ? [value] : list(value)
}

function textMap(value: unknown): ReadonlyMap<string, string> | null {
  return isObject(value) ? new Map(Object.entries(value).map(([key, member]) => [key, text(member)])) : null
}

function keySet(value: unknown): ReadonlyMap<string, GoValue> | null {
  return isObject(value) ? new Map(Object.keys(value).map((key) => [key, {}])) : null
}

function unlessEmpty<T extends readonly GoValue[] | ReadonlyMap<string, GoValue>>(
  value: T | null,
): T | undefined {
  const size = value === null ? 0 : 'size' in value ? value.size : value.length
  return size > 0 ? (value ?? undefined) : undefined
}
