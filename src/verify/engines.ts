import { quote } from '../errors.ts'
import type { ArchiveTraits, Name } from './archive-traits.ts'
import type { EngineVerdict } from './verdict.ts'

const engines = {
  docker24: 'docker up to 24',
  docker25: 'docker from 25 on',
  podman: 'podman',
  containerd: 'containerd (ctr, kind, k3s)',
  skopeo: 'skopeo',
} as const

type Engine = keyof typeof engines

/** `note`: it loads all the same, but something is to be known. */
type Effect = 'no' | 'depends' | 'note'

/** Something about an archive that an engine takes badly, and how. */
interface Rule {
  readonly effects: Partial<Readonly<Record<Engine, Effect>>>
  /** Why, where the rule applies; false or nothing where it does not. */
  readonly reason: (traits: ArchiveTraits) => string | false | undefined
}

const all = (effect: Effect): Rule['effects'] => ({
  docker24: effect,
  docker25: effect,
  podman: effect,
  containerd: effect,
  skopeo: effect,
})

/** Seen with docker 20.10, podman 4.3, containerd 1.6 and skopeo 1.9; read in the sources of later ones. */
const rules: readonly Rule[] = [
  {
    effects: { docker24: 'no' },
    reason: ({ format }) => format === 'oci-layout' && 'it wants a manifest.json',
  },
  {
    effects: { docker25: 'depends' },
    reason: ({ format }) =>
      format === 'oci-layout' &&
      'without a manifest.json it needs the containerd image store, as docker 29 has it',
  },
  {
    effects: { containerd: 'no', docker25: 'no' },
    reason: ({ format, isMarked }) => format === 'oci-layout' && !isMarked && 'it wants the file oci-layout',
  },
  {
    effects: { podman: 'no', containerd: 'no', skopeo: 'no' },
    reason: ({ format }) => format === 'legacy' && 'it wants a manifest.json',
  },
  {
    effects: { docker25: 'depends' },
    reason: ({ format }) => format === 'legacy' && 'from 29 on it wants a manifest.json',
  },
  {
    effects: { docker24: 'depends' },
    reason: ({ layerCompressions }) =>
      layerCompressions.has('zstd') && 'before 23 it reads no layers in zstd',
  },
  {
    effects: { podman: 'depends', skopeo: 'depends' },
    reason: ({ compression }) =>
      compression === 'gzip' &&
      'some versions (podman 4.3, skopeo 1.9) read no archive in gzip: unpack it first',
  },
  {
    effects: { containerd: 'depends' },
    reason: ({ compression }) =>
      compression !== 'none' && 'before 2 it reads no compressed archive: unpack it first',
  },
  {
    effects: { docker24: 'depends' },
    reason: ({ compression }) =>
      compression === 'zstd' && 'before 23 it reads no archive in zstd: unpack it first',
  },
  {
    effects: { containerd: 'no', docker25: 'depends' },
    reason: ({ hardLinks }) => hardLinks && 'containerd follows no hard links',
  },
  {
    effects: { containerd: 'no', docker25: 'depends' },
    reason: ({ absoluteLinks }) => absoluteLinks && 'containerd follows no absolute links',
  },
  {
    effects: { containerd: 'no', docker25: 'depends' },
    reason: ({ symlinks, dotSlash }) =>
      symlinks && dotSlash && 'containerd follows no links where names begin with ./',
  },
  {
    effects: { podman: 'no', containerd: 'no', skopeo: 'no' },
    reason: ({ absolutePaths }) => absolutePaths && 'paths in manifest.json begin with /',
  },
  {
    effects: { podman: 'no', skopeo: 'no' },
    reason: ({ format, unlistedLinks }) =>
      format === 'docker-archive' &&
      unlistedLinks &&
      'a layer is a link to a file that its image does not list; it takes that for empty',
  },
  {
    effects: { docker24: 'no', docker25: 'no' },
    reason: ({ longHistory }) => longHistory && 'the history of an image has more layers than the image',
  },
  {
    effects: { docker24: 'depends', docker25: 'depends' },
    reason: ({ windows }) => windows && 'on Linux it takes no image for Windows',
  },
  {
    effects: { containerd: 'no' },
    reason: ({ noPlatform }) => noPlatform && 'it passes over an image that does not say its platform',
  },
  {
    effects: { containerd: 'depends' },
    reason: ({ absentPlatforms }) =>
      absentPlatforms > 0 &&
      'with --all-platforms (kind, k3s) it wants those that the index names and that are not there',
  },
  {
    effects: { docker24: 'no', docker25: 'no', podman: 'no', containerd: 'no' },
    reason: ({ dockerNames }) => nameOf(dockerNames, 'invalid', (name) => `${name} is no name that it takes`),
  },
  {
    effects: { docker24: 'no', docker25: 'no', podman: 'no', containerd: 'no' },
    reason: ({ dockerNames }) =>
      nameOf(dockerNames, 'IPv6', (name) => `the name ${name} has an IPv6 address`),
  },
  {
    effects: { docker24: 'no', docker25: 'depends', podman: 'no', containerd: 'note' },
    reason: ({ dockerNames }) =>
      nameOf(
        dockerNames,
        'digest',
        (name) => `the name ${name} has a digest, which cannot be given to an image`,
      ),
  },
  {
    effects: { docker24: 'no', docker25: 'depends', podman: 'no' },
    reason: ({ dockerNames }) => nameOf(dockerNames, 'untagged', (name) => `the name ${name} has no tag`),
  },
  {
    effects: { podman: 'note' },
    reason: ({ layoutNames }) =>
      nameOf(layoutNames, 'short', (name, plain) => `it calls ${name} localhost/${plain}`),
  },
  {
    effects: { podman: 'note' },
    reason: ({ layoutNames }) =>
      nameOf(layoutNames, 'tag only', (_, plain) => `it calls the image localhost/${plain}:latest`),
  },
  {
    effects: { containerd: 'note' },
    reason: ({ layoutNames }) =>
      nameOf(layoutNames, 'tag only', (_, plain) => `it calls the image import-DATE:${plain}`),
  },
  {
    effects: { containerd: 'depends' },
    reason: ({ nameless }) =>
      nameless.layout > 0 && 'an image without a name is imported only with --digests',
  },
  {
    effects: { docker24: 'note', docker25: 'note', podman: 'note' },
    reason: ({ nameless }) => nameless.docker > 0 && 'an image without a name is known by its id only',
  },
  {
    effects: { skopeo: 'note' },
    reason: ({ imageCount }) =>
      imageCount > 1 && 'of several images it wants one named, as in docker-archive:FILE:NAME',
  },
  {
    effects: all('no'),
    reason: ({ imageCount, format }) => imageCount === 0 && format !== 'legacy' && 'there is no image in it',
  },
]

function nameOf(
  names: readonly Name[],
  kind: Name['kind'],
  say: (quoted: string, plain: string) => string,
): string | undefined {
  const found = names.find((name) => name.kind === kind)
  return found && say(/^[\w./:@[\]-]+$/.test(found.name) ? found.name : quote(found.name), found.name)
}

/** Which engines load an archive in which nothing is broken, which do not, and why. */
export function judgeEngines(traits: ArchiveTraits): readonly EngineVerdict[] {
  const applying = rules.flatMap(({ effects, reason }) => {
    const why = reason(traits)
    return why ? [{ effects, why }] : []
  })
  return Object.entries(engines).map(([key, engine]) => {
    const found = applying.flatMap(({ effects, why }) => {
      const effect = effects[key as Engine]
      return effect ? [{ effect, why }] : []
    })
    const worst = (['no', 'depends'] as const).find((effect) => found.some((each) => each.effect === effect))
    const reasons = found.filter(({ effect }) => worst !== 'no' || effect === 'no').map(({ why }) => why)
    return { engine, loads: worst ?? 'yes', reasons }
  })
}
