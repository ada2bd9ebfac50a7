import { type Item, json, packItems } from './archive-layouts.ts'
import { sha256 } from './image-builder.ts'

/** An entry of a tar and where it stands. */
export interface Located extends Item {
  readonly name: string
  /** Where its header, and its content, begin. */
  readonly header: number
  readonly start: number
  readonly size: number
}

export interface Damage {
  readonly what: string
  /** The archive after it; nothing where there is nothing of the kind to be damaged. */
  damage(archive: Sound): Promise<Buffer | undefined> | Buffer | undefined
  /** What the first problem must say: place and message. */
  readonly problem: RegExp | ((archive: Sound) => RegExp)
}

/** An archive before it is damaged. */
export interface Sound {
  readonly bytes: Buffer
  readonly items: readonly Located[]
  /** The largest file: a layer. */
  readonly layer: Located
  readonly config: Located
}

/** Takes a plain tar apart; names of up to 100 characters, in ustar or after a pax header. */
export function locate(bytes: Buffer): Sound {
  const items: Located[] = []
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const header = at
    while (bytes[at + 156] === 'x'.charCodeAt(0)) at += 512 + padded(sizeAt(bytes, at))
    const size = sizeAt(bytes, at)
    const type = types[String.fromCharCode(bytes[at + 156] ?? 0)] ?? 'file'
    const content = bytes.subarray(at + 512, at + 512 + size)
    const linkname = textAt(bytes, at + 157)
    items.push({ name: textAt(bytes, at), type, header, start: at + 512, size, content, linkname })
    at += 512 + padded(size)
  }
  const files = items.filter((item) => item.type === 'file').toSorted((a, b) => b.size - a.size)
  const config = items.find(({ content }) => content?.includes('"diff_ids"'))
  if (!files[0] || !config) throw new Error('this is no archive of an image')
  return { bytes, items, layer: files[0], config }
}

const types: Readonly<Record<string, Item['type']>> = { '1': 'link', '2': 'symlink', '5': 'directory' }
const padded = (size: number) => Math.ceil(size / 512) * 512
const sizeAt = (bytes: Buffer, at: number) => Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8)
const textAt = (bytes: Buffer, at: number) => bytes.toString('utf8', at, at + 100).replace(/\0.*$/s, '')

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

/** The items once more, some of them changed. */
function change(
  { items }: Sound,
  edit: (item: Located) => Item | undefined,
  more: readonly Item[] = [],
): Promise<Buffer> {
  return packItems([...items.map(edit).filter((item) => item !== undefined), ...more].map(asItem))
}

function asItem({ name, type = 'file', content, linkname }: Item): Item {
  return type === 'file'
    ? { name, type, ...(content && { content }) }
    : { name, type, ...(linkname && { linkname }) }
}

const named = (archive: Sound, name: string) => archive.items.find((item) => item.name === name)
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

function withText(archive: Sound, name: string, edit: (text: string) => string): Promise<Buffer> | undefined {
  const content = named(archive, name)?.content
  if (!content) return undefined
  const edited = edit(content.toString())
  if (edited === content.toString()) return undefined
  return change(archive, (item) => (item.name === name ? { ...item, content: Buffer.from(edited) } : item))
}

function withJson(
  archive: Sound,
  name: string,
  edit: (value: ReturnType<typeof JSON.parse>) => void,
): Promise<Buffer> | undefined {
  return withText(archive, name, (text) => {
    const value = JSON.parse(text)
    edit(value)
    return JSON.stringify(value)
  })
}

/** Fixes the checksum of a header that was edited. */
function resum(bytes: Buffer, header: number): Buffer {
  bytes.fill(32, header + 148, header + 156)
  const sum = bytes.subarray(header, header + 512).reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, header + 148, 'latin1')
  return bytes
}

/** The layers that manifest.json lists, each once; none without one. */
function layersOf(archive: Sound): readonly Located[] {
  const [image] = JSON.parse(named(archive, 'manifest.json')?.content?.toString() ?? '[{"Layers":[]}]')
  const found = image.Layers.map((path: string) => named(archive, path))
  return [...new Set<Located>(found.filter((item: Located | undefined) => item !== undefined))]
}

/** Another size in the header of the layer, under a checksum that fits. */
function withSize({ bytes, layer }: Pick<Sound, 'bytes' | 'layer'>, digits: string): Buffer {
  const copy = Buffer.from(bytes)
  copy.write(digits.padStart(11, '0'), layer.start - 512 + 124, 'latin1')
  return resum(copy, layer.start - 512)
}

function insert(bytes: Buffer, at: number, more: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
}

/** A header, and its content, that says something of the entry that follows. */
function extraHeader(type: 'x' | 'L', content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  header.write('././@LongLink', 'latin1')
  header.write(content.length.toString(8).padStart(11, '0'), 124, 'latin1')
  header.write(`${type}\0ustar\0`, 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  return Buffer.concat([resum(header, 0), content, Buffer.alloc(padded(content.length) - content.length)])
}

function paxHeader(record: string, wrongBy = 0): Buffer {
  const length = record.length + 4
  return extraHeader('x', Buffer.from(`${String(length + wrongBy).padStart(2, '0')} ${record}\n`))
}

const aLayer = 'layer \\d+ of \\d+, '
const layerProblem = new RegExp(`^${aLayer}.*(digest|does not decompress)`)
const missing = /is not in the archive/

/** Ways in which an archive of one image comes to harm, and what is to be said of each. */
export const damages: readonly Damage[] = [
  {
    what: 'one bit of a layer',
    damage: ({ bytes, layer }) => flip(bytes, layer.start + Math.floor(layer.size / 2)),
    problem: layerProblem,
  },
  {
    what: 'the first bit of a layer',
    damage: ({ bytes, layer }) => flip(bytes, layer.start),
    problem: layerProblem,
  },
  {
    what: 'the last bit of a layer',
    damage: ({ bytes, layer }) => flip(bytes, layer.start + layer.size - 1),
    problem: layerProblem,
  },
  {
    what: 'one bit of the config',
    damage: ({ bytes, config }) => flip(bytes, config.start + config.size - 20),
    problem: ({ config }) => new RegExp(`^config, ${escaped(config.name)}: its content has the digest`),
  },
  {
    what: 'a config with another command in it',
    damage: (archive) =>
      change(archive, (item) =>
        item === archive.config
          ? { ...item, content: Buffer.from(`${item.content?.toString().slice(0, -1)},"author":"me"}`) }
          : item,
      ),
    problem: ({ config }) => new RegExp(`^config, ${escaped(config.name)}: its content has the digest`),
  },
  {
    what: 'diffIDs in another order, under a config with the right name',
    damage(archive) {
      if (!named(archive, 'manifest.json') || named(archive, 'index.json')) return undefined
      const config = JSON.parse(archive.config.content?.toString() ?? '')
      if (new Set(config.rootfs.diff_ids).size < 2) return undefined
      config.rootfs.diff_ids.reverse()
      const content = json(config)
      const name = archive.config.name.replace(/[0-9a-f]{64}/, sha256(content).replace('sha256:', ''))
      return change(archive, (item) => {
        if (item === archive.config) return { name, content }
        if (item.name !== 'manifest.json') return item
        return {
          ...item,
          content: Buffer.from(item.content?.toString().replace(archive.config.name, name) ?? ''),
        }
      })
    },
    problem: new RegExp(`^${aLayer}.*the diffID in the config`),
  },
  {
    what: 'a layer that is not there',
    damage: (archive) => change(archive, (item) => (item === archive.layer ? undefined : item)),
    problem: new RegExp(`^${aLayer}.*${missing.source}`),
  },
  {
    what: 'a config that is not there',
    damage: (archive) => change(archive, (item) => (item === archive.config ? undefined : item)),
    problem: new RegExp(`^config, .*${missing.source}`),
  },
  {
    what: 'a manifest.json that is no JSON',
    damage: (archive) => withText(archive, 'manifest.json', (text) => text.slice(0, -4)),
    problem: /^manifest\.json: is not valid JSON/,
  },
  {
    what: 'a manifest.json without images',
    damage: (archive) => withText(archive, 'manifest.json', () => '[]'),
    problem: /^manifest\.json: lists no image/,
  },
  {
    what: 'a manifest.json with a layer less',
    damage: (archive) => withJson(archive, 'manifest.json', ([item]) => item.Layers.pop()),
    problem: /^config, .*: it has \d+ diff_ids, but the image has \d+ layers/,
  },
  {
    what: 'a manifest.json whose layer is elsewhere',
    damage: (archive) =>
      withJson(archive, 'manifest.json', ([item]) => {
        item.Layers[0] = '../../etc/passwd'
      }),
    problem: /^manifest\.json: the path \.\.\/\.\.\/etc\/passwd leads out of the archive/,
  },
  {
    what: 'an index.json that is no JSON',
    damage: (archive) => withText(archive, 'index.json', (text) => text.replace('"', "'")),
    problem: /^index\.json: .*not valid JSON/,
  },
  {
    what: 'an index.json with another digest',
    damage: (archive) => withText(archive, 'index.json', (text) => text.replace(/sha256:../, 'sha256:00')),
    problem: /^manifest, blobs\/sha256\/00.*is not in the archive/,
  },
  {
    what: 'an index.json with another size',
    damage: (archive) =>
      withJson(archive, 'index.json', ({ manifests }) => {
        manifests[0].size += 1
      }),
    problem: /^manifest, blobs\/sha256\/.*it has (\d+) bytes, not \d+ \(as index\.json says\)/,
  },
  {
    what: 'one bit of a manifest',
    damage(archive) {
      const index = named(archive, 'index.json')?.content
      const [, hex = ''] = /sha256:([0-9a-f]{64})/.exec(index?.toString() ?? '') ?? []
      const manifest = named(archive, `blobs/sha256/${hex}`)
      return manifest && flip(archive.bytes, manifest.start + manifest.size - 10)
    },
    problem: /^manifest, blobs\/sha256\/.*its content has the digest/,
  },
  {
    what: 'an oci-layout of another version',
    damage: (archive) => withText(archive, 'oci-layout', (text) => text.replace('1.0.0', '2.0.0')),
    problem: /^oci-layout: says version "2\.0\.0"/,
  },
  {
    what: 'a blob that nothing points to, called by another digest',
    damage: (archive) =>
      named(archive, 'index.json') &&
      change(archive, (item) => item, [
        { name: `blobs/sha256/${'a'.repeat(64)}`, content: Buffer.from('b') },
      ]),
    problem: /^blobs\/sha256\/aaaa.*its content has the digest/,
  },
  {
    what: 'repositories with a layer that is not there',
    damage: (archive) =>
      withText(archive, 'repositories', (text) => text.replace(/[0-9a-f]{64}/, 'b'.repeat(64))),
    problem: /^repositories: names the layer "b{64}"/,
  },
  {
    what: 'a VERSION of another version',
    damage(archive) {
      const version = archive.items.find(({ name }) => name.endsWith('/VERSION'))
      return version && flip(archive.bytes, version.start)
    },
    problem: /^[0-9a-f]{64}\/VERSION: does not say 1\.0/,
  },
  {
    what: 'the json of a layer that calls it otherwise',
    damage(archive) {
      const name = archive.items.find((item) => item.name.endsWith('/json'))?.name
      return name === undefined
        ? undefined
        : withJson(archive, name, (layer) => {
            layer.id = 'c'.repeat(64)
          })
    },
    problem: /^[0-9a-f]{64}\/json: says that its layer is "c{64}"/,
  },
  {
    what: 'a cut within a header',
    damage: ({ bytes, layer }) => bytes.subarray(0, layer.start - 100),
    problem: ({ layer }) =>
      new RegExp(`^byte \\d+: the archive is cut short: it ends at byte ${layer.start - 100}`),
  },
  {
    what: 'a cut within a layer',
    damage: ({ bytes, layer }) => bytes.subarray(0, layer.start + 700),
    problem: ({ layer }) =>
      new RegExp(
        `^"${escaped(layer.name)}", at byte \\d+: the archive is cut short: it ends at byte ${layer.start + 700}: ` +
          `700 of its ${layer.size} bytes are there`,
      ),
  },
  {
    what: 'a cut right after the config',
    damage: ({ bytes, config }) => bytes.subarray(0, config.start + config.size),
    problem: ({ config }) => new RegExp(`^"${escaped(config.name)}", at byte \\d+: the archive is cut short`),
  },
  {
    what: 'a cut between two entries',
    damage: ({ bytes, layer, config }) => bytes.subarray(0, Math.max(layer.header, config.header)),
    problem: /is not in the archive|which is not there|no archive of images/,
  },
  {
    what: 'one bit of a header',
    damage: ({ bytes, layer }) => flip(bytes, layer.start - 512 + 3),
    problem: ({ layer }) =>
      new RegExp(`^byte ${layer.start - 512}: there is no tar header, or a damaged one`),
  },
  {
    what: 'a header whose size is too small',
    damage({ bytes, layer }) {
      const copy = Buffer.from(bytes)
      copy.write((layer.size - 600).toString(8).padStart(11, '0'), layer.start - 512 + 124, 'latin1')
      return resum(copy, layer.start - 512)
    },
    // What comes next is taken from within the layer: not a header, or zeros.
    problem: /^byte \d+: (there is no tar header|something follows the end of the archive)/,
  },
  {
    what: 'something after the end',
    damage: ({ bytes }) =>
      Buffer.concat([bytes, Buffer.alloc(512), Buffer.from('surplus'), Buffer.alloc(512)]),
    problem: ({ bytes }) =>
      new RegExp(`^byte ${bytes.length + 512}: something follows the end of the archive`),
  },
  {
    what: 'zeros in the middle',
    damage({ bytes, layer }) {
      const copy = Buffer.from(bytes)
      return copy.fill(0, layer.start - 512, layer.start)
    },
    problem: /^byte \d+: something follows the end of the archive/,
  },
  {
    what: 'an entry twice, with other content',
    damage: (archive) =>
      change(archive, (item) => item, [{ name: archive.layer.name, content: Buffer.from('another') }]),
    problem: ({ layer }) =>
      new RegExp(`^"${escaped(layer.name)}", at byte \\d+ and at byte \\d+: is in the archive twice`),
  },
  {
    what: 'a name that leads out of the archive',
    damage: (archive) => change(archive, (item) => item, [{ name: '../../evil', content: Buffer.from('x') }]),
    problem: /^"\.\.\/\.\.\/evil", at byte \d+: its name leads out of the archive/,
  },
  {
    what: 'an absolute name',
    damage: (archive) => change(archive, (item) => item, [{ name: '/etc/evil', content: Buffer.from('x') }]),
    problem: /^"\/etc\/evil", at byte \d+: its name is absolute/,
  },
  {
    what: 'a device',
    damage: (archive) => change(archive, (item) => item, [{ name: 'sda', type: 'block-device' }]),
    problem: /^"sda", at byte \d+: is a device/,
  },
  {
    what: 'a layer that is a link to nowhere',
    damage: (archive) =>
      change(archive, (item) => (item === archive.layer ? link(item.name, 'nowhere') : item)),
    problem: /^layer \d+ of \d+, .*it is a link to "[^"]*nowhere", which is not in the archive/,
  },
  {
    what: 'a layer that is a link to itself',
    damage: (archive) =>
      change(archive, (item) =>
        item === archive.layer ? link(item.name, item.name.replace(/^.*\//, '')) : item,
      ),
    problem: /^layer \d+ of \d+, .*goes in circles/,
  },
  {
    what: 'a layer that is a link out of the archive',
    damage: (archive) =>
      change(archive, (item) => (item === archive.layer ? link(item.name, '../../../etc/passwd') : item)),
    problem: /^layer \d+ of \d+, .*leads out of the archive, to "\.\.\/\.\.\/\.\.\/etc\/passwd"/,
  },
  {
    what: 'two layers that have changed places',
    damage(archive) {
      const [one, two] = layersOf(archive)
      if (!one || !two || !one.content?.length || one.content.equals(two.content ?? one.content))
        return undefined
      return change(archive, (item) => {
        if (item === one) return { ...item, content: two.content ?? Buffer.alloc(0) }
        return item === two ? { ...item, content: one.content ?? Buffer.alloc(0) } : item
      })
    },
    problem: new RegExp(`^${aLayer}.*its content has the digest`),
  },
  {
    what: 'a manifest.json with its layers in another order',
    damage: (archive) =>
      layersOf(archive).length < 2
        ? undefined
        : withJson(archive, 'manifest.json', ([item]) => {
            item.Layers.reverse()
          }),
    problem: new RegExp(`^${aLayer}.*the diffID in the config`),
  },
  {
    what: 'a manifest.json whose config is another',
    damage: (archive) =>
      withJson(archive, 'manifest.json', ([item]) => {
        item.Config = item.Config.replace(/[0-9a-f]{64}/, 'd'.repeat(64))
      }),
    problem: /^config, [^ ]*d{64}[^ ]*: is not in the archive/,
  },
  {
    what: 'a manifest.json whose config is a layer',
    damage: (archive) =>
      withJson(archive, 'manifest.json', ([item]) => {
        item.Config = item.Layers[0]
      }),
    problem: /^config, .*(is not valid JSON|no JSON document|not valid UTF-8)/,
  },
  {
    what: 'a manifest.json twice, the second with another name in it',
    damage(archive) {
      const content = named(archive, 'manifest.json')?.content
      const other = Buffer.from(String(content).replace('app:1', 'app:2'))
      if (!content || other.equals(content)) return undefined
      return change(archive, (item) => item, [{ name: 'manifest.json', content: other }])
    },
    problem: /^"manifest\.json", at byte \d+ and at byte \d+: is in the archive twice, each time with other/,
  },
  {
    what: 'a manifest.json that is a directory',
    damage: (archive) =>
      named(archive, 'manifest.json') &&
      change(archive, (item) =>
        item.name === 'manifest.json' ? { name: 'manifest.json/', type: 'directory' } : item,
      ),
    problem: /^manifest\.json: is a directory, not a file/,
  },
  ...['manifest.json', 'index.json', 'repositories', 'oci-layout'].map(
    (name): Damage => ({
      what: `the first bit of ${name}`,
      damage(archive) {
        const item = named(archive, name)
        return item && flip(archive.bytes, item.start)
      },
      problem: new RegExp(`^${escaped(name)}: .*is not valid JSON`),
    }),
  ),
  {
    what: 'the header of the config, one bit of it',
    damage: ({ bytes, config }) => flip(bytes, config.start - 512 + 130),
    problem: ({ config }) =>
      new RegExp(`^byte ${config.start - 512}: there is no tar header, or a damaged one`),
  },
  {
    what: 'a checksum in a header',
    damage: ({ bytes, layer }) => flip(bytes, layer.start - 512 + 150),
    problem: ({ layer }) =>
      new RegExp(`^byte ${layer.start - 512}: there is no tar header, or a damaged one`),
  },
  {
    what: 'a header whose size is too large',
    damage: ({ bytes, layer }) => withSize({ bytes, layer }, (layer.size + 2 ** 20).toString(8)),
    problem: ({ layer }) =>
      new RegExp(`^"${escaped(layer.name)}", at byte \\d+: the archive is cut short|^byte \\d+: `),
  },
  {
    what: 'a header whose size is no number',
    damage: (archive) => withSize(archive, '12345678q'),
    problem: ({ layer }) =>
      new RegExp(
        `^byte ${layer.header}: the header of "${escaped(layer.name)}" has a size that is no number`,
      ),
  },
  {
    what: 'a header whose size is negative',
    damage({ bytes, layer }) {
      const copy = Buffer.from(bytes).fill(0xff, layer.start - 512 + 124, layer.start - 512 + 136)
      return resum(copy, layer.start - 512)
    },
    problem: /^byte \d+: the header of .* has a size that is no number/,
  },
  {
    what: 'a header whose size is larger than any file',
    damage({ bytes, layer }) {
      const copy = Buffer.from(bytes).fill(0xff, layer.start - 512 + 125, layer.start - 512 + 136)
      copy[layer.start - 512 + 124] = 0x80
      return resum(copy, layer.start - 512)
    },
    problem: /^byte \d+: the header of .* has a size that is no number/,
  },
  {
    what: 'a layer that is a sparse file of GNU tar',
    damage({ bytes, layer }) {
      const copy = Buffer.from(bytes)
      copy.write('S', layer.start - 512 + 156, 'latin1')
      return resum(copy, layer.start - 512)
    },
    problem: ({ layer }) =>
      new RegExp(`^"${escaped(layer.name)}", at byte \\d+: is of a type that no archive of images has`),
  },
  {
    what: 'a layer that is a sparse file by its pax header',
    damage: ({ bytes, layer }) => insert(bytes, layer.start - 512, paxHeader('GNU.sparse.major=1')),
    problem: ({ layer }) => new RegExp(`^byte ${layer.start - 512}: .*sparse file of GNU tar`),
  },
  {
    what: 'a pax header that gives a layer another size',
    damage: ({ bytes, layer }) => insert(bytes, layer.start - 512, paxHeader(`size=${layer.size - 1024}`)),
    problem: /^byte \d+: (there is no tar header|something follows the end of the archive)/,
  },
  {
    what: 'a pax header that gives a layer another name',
    damage: ({ bytes, layer }) => insert(bytes, layer.start - 512, paxHeader('path=elsewhere')),
    problem: new RegExp(`^${aLayer}.*${missing.source}`),
  },
  {
    what: 'a pax header that is malformed',
    damage: ({ bytes, layer }) => insert(bytes, layer.start - 512, paxHeader('path=x', 7)),
    problem: ({ layer }) => new RegExp(`^byte ${layer.start - 512}: a pax header is malformed`),
  },
  {
    what: 'a long name of GNU tar that leads out of the archive',
    damage: ({ bytes, layer }) =>
      insert(bytes, layer.start - 512, extraHeader('L', Buffer.from(`${'../'.repeat(40)}evil\0`))),
    problem: /^"(\.\.\/){40}evil", at byte \d+: its name leads out of the archive/,
  },
  {
    what: 'a cut within a long name',
    damage: ({ bytes, layer }) =>
      insert(bytes, layer.start - 512, extraHeader('L', Buffer.from('a'.repeat(200)))).subarray(
        0,
        layer.start - 512 + 600,
      ),
    problem: /^byte \d+: the archive is cut short: it ends at byte \d+, within the header of an entry/,
  },
  {
    what: 'a long name that is longer than any',
    damage({ bytes, layer }) {
      const header = extraHeader('L', Buffer.from('a'))
      header.write('77777777777', 124, 'latin1')
      return insert(bytes, layer.start - 512, resum(header, 0))
    },
    problem: /^byte \d+: a header of type long name wants 8589934591 bytes/,
  },
  {
    what: 'another archive behind it',
    damage: ({ bytes }) => Buffer.concat([bytes, bytes]),
    problem: ({ bytes }) => new RegExp(`^byte ${bytes.length}: something follows the end of the archive`),
  },
  {
    what: 'another archive in one with it, with another config under the same name',
    damage: (archive) =>
      change(archive, (item) => item, [
        ...archive.items.map((item) =>
          item === archive.config ? { ...item, content: Buffer.from(`${item.content} `) } : item,
        ),
      ]),
    problem: ({ config }) =>
      new RegExp(`^"${escaped(config.name)}", at byte \\d+ and at byte \\d+: is in the`),
  },
  {
    what: 'a FIFO',
    damage: (archive) => change(archive, (item) => item, [{ name: 'pipe', type: 'fifo' }]),
    problem: /^"pipe", at byte \d+: is a FIFO/,
  },
  {
    what: 'a layer that is a hard link out of the archive',
    damage: (archive) =>
      change(archive, (item) =>
        item === archive.layer ? { ...link(item.name, '../../etc/passwd'), type: 'link' } : item,
      ),
    problem: /^layer \d+ of \d+, .*leads out of the archive, to "\.\.\/\.\.\/etc\/passwd"/,
  },
  {
    what: 'a config that is a link out of the archive',
    damage: (archive) =>
      change(archive, (item) =>
        item === archive.config ? link(item.name, '../../../../proc/self/environ') : item,
      ),
    problem: /^config, .*leads out of the archive, to "\.\.\/.*environ"/,
  },
  {
    what: 'nothing but the layer',
    damage: (archive) => change(archive, (item) => (item === archive.layer ? item : undefined)),
    problem: /neither manifest\.json nor index\.json is in it/,
  },
]

function link(name: string, linkname: string): Item {
  return { name, type: 'symlink', linkname }
}
