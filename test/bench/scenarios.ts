import {
  type Contender,
  crane,
  craneOci,
  drayDocker,
  drayOci,
  drayWith,
  floorDocker,
  floorOci,
  node,
  regctl,
  skopeoDocker,
  skopeoOci,
} from './contenders.ts'
import type { ImageName } from './images.ts'
import type { LinkOptions } from './start-link.ts'

export interface Scenario {
  readonly name: string
  /** What a reader of the table is told. */
  readonly title: string
  readonly image?: ImageName
  /** Loopback itself when absent. */
  readonly link?: LinkOptions
  /** dray keeps blobs, and has pulled the image before. */
  readonly cached?: boolean
  readonly contenders: readonly Contender[]
  /** How often each has its turn. */
  readonly runs: number
}

const megabyte = 1_000_000
/** crane and regctl leave layers packed. */
const docker = [drayDocker, skopeoDocker, floorDocker]
const oci = [drayOci, skopeoOci, crane, craneOci, regctl, floorOci]

/** What the README tells of. */
export const summarized: readonly string[] = [
  'small',
  'six-docker',
  'dominant-docker',
  'six-oci',
  'dominant-oci',
  'cached',
  'per-connection',
  'shared-six',
]

export const scenarios: readonly Scenario[] = [
  { name: 'version', title: '`--version`', contenders: [drayWith('--version'), node], runs: 15 },
  { name: 'help', title: '`--help`', contenders: [drayWith('--help'), node], runs: 15 },
  {
    name: 'small',
    title: 'small image, docker archive',
    image: 'small',
    contenders: docker,
    runs: 15,
  },
  {
    name: 'six-docker',
    title: 'six layers, docker archive',
    image: 'six',
    contenders: docker,
    runs: 5,
  },
  { name: 'six-oci', title: 'six layers, oci archive', image: 'six', contenders: oci, runs: 7 },
  {
    name: 'forty',
    title: 'forty small layers, docker archive',
    image: 'forty',
    contenders: docker,
    runs: 5,
  },
  {
    name: 'dominant-docker',
    title: 'one dominant layer, docker archive',
    image: 'dominant',
    contenders: docker,
    runs: 3,
  },
  {
    name: 'dominant-oci',
    title: 'one dominant layer, oci archive',
    image: 'dominant',
    contenders: oci,
    runs: 3,
  },
  {
    name: 'huge-docker',
    title: '2 GB, docker archive',
    image: 'huge',
    contenders: [drayDocker, skopeoDocker],
    runs: 1,
  },
  {
    name: 'huge-oci',
    title: '2 GB, oci archive',
    image: 'huge',
    contenders: [drayOci, skopeoOci],
    runs: 1,
  },
  {
    name: 'cached',
    title: 'six layers a second time, `--cache`',
    image: 'six',
    cached: true,
    contenders: [drayDocker, skopeoDocker],
    runs: 5,
  },
  {
    name: 'round-trip',
    title: 'forty small layers, round trip of 50 ms',
    image: 'forty',
    link: { roundTrip: 50 },
    contenders: docker,
    runs: 3,
  },
  {
    name: 'per-connection',
    title: 'one dominant layer, 20 MB/s per connection',
    image: 'dominant',
    link: { perConnection: 20 * megabyte },
    contenders: [drayDocker, skopeoDocker],
    runs: 2,
  },
  {
    name: 'shared-six',
    title: 'six layers, 50 MB/s in all',
    image: 'six',
    link: { shared: 50 * megabyte },
    contenders: [drayDocker, skopeoDocker],
    runs: 3,
  },
  {
    name: 'shared-dominant',
    title: 'one dominant layer, 50 MB/s in all',
    image: 'dominant',
    link: { shared: 50 * megabyte },
    contenders: [drayDocker, skopeoDocker],
    runs: 2,
  },
]
