import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { legacyLayers } from '../../../src/archive/layer-id.ts'
import { digestOf, parseDigest } from '../../../src/oci/digest.ts'

interface Vector {
  readonly config: Readonly<Record<string, unknown>> & {
    readonly rootfs: { readonly diff_ids: readonly string[] }
  }
  readonly v1_layer_ids: readonly string[]
  readonly top_json: string
}

/** Configs, and what `docker save` of docker 20.10.24 made of them. */
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../fixtures/v1id-vectors.json', import.meta.url), 'utf8'),
)

describe.each(vectors)('image %$', ({ config, v1_layer_ids, top_json }) => {
  const layers = legacyLayers({ raw: config, diffIds: config.rootfs.diff_ids.map(parseDigest) })

  test('the ids are those of docker save', () => {
    expect(layers.map(({ id }) => id)).toEqual(v1_layer_ids)
  })

  test('the json of the topmost layer is that of docker save', () => {
    expect(layers.at(-1)?.json).toBe(top_json)
  })

  test('the json of a lower layer names its parent, and the image for its system alone', () => {
    const [base, middle] = layers
    expect(JSON.parse(middle?.json ?? '')).toMatchObject({
      id: middle?.id,
      parent: base?.id,
      created: '1970-01-01T00:00:00Z',
      os: 'linux',
    })
    expect(base?.json).not.toContain('parent')
    expect(Object.keys(JSON.parse(middle?.json ?? ''))).toEqual([
      'id',
      'parent',
      'created',
      'container_config',
      'os',
    ])
  })
})

const topJson = (config: Readonly<Record<string, unknown>>) =>
  JSON.parse(legacyLayers({ raw: config, diffIds: [digestOf('a'), digestOf('b')] }).at(-1)?.json ?? '')

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['keys in any case', { Config: { cmd: ['x'], ENV: ['A=1'] } }, { Cmd: ['x'], Env: ['A=1'] }],
  [
    'a command that is a single string',
    { config: { Cmd: 'x', Entrypoint: 'y' } },
    { Cmd: ['x'], Entrypoint: ['y'] },
  ],
  ['a stop timeout of 0', { config: { StopTimeout: 0 } }, { StopTimeout: 0 }],
  ['an empty healthcheck', { config: { Healthcheck: { Test: [], Interval: 0 } } }, { Healthcheck: {} }],
  ['null for a list', { config: { Env: null, Labels: null } }, { Env: null, Labels: null }],
])('docker reads %s, and so do we', (_, config, expected) => {
  expect(topJson(config).config).toMatchObject(expected)
})

test('what docker does not know is dropped', () => {
  const json = topJson({
    config: { Healthcheck: { StartInterval: 1 }, Memory: 1, Shell: [], ExposedPorts: {} },
    extra: 1,
  })
  expect(json.extra).toBeUndefined()
  expect(json.config.Healthcheck).toEqual({})
  for (const field of ['Memory', 'Shell', 'ExposedPorts']) expect(json.config).not.toHaveProperty(field)
})

test('a config without settings has none in the json', () => {
  expect(topJson({ config: null })).not.toHaveProperty('config')
})
