import { randomBytes } from 'node:crypto'
import { fin, resetBefore } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import type { World } from '../world.ts'

const pulled = 'manifest config layer'
const blobs = 'image.tar.partial/blobs/sha256'
const hex = ({ layer }: World) => layer.digest.slice(7)
const beginning = (world: World, size: number) => world.layer.blob.subarray(0, size)

/** What is on the disk is not what it should be. */
export const fileRows: readonly FaultRow[] = [
  {
    fault: 'a beginning that an earlier pull left: only the rest is asked for, which is told',
    tls: 'both',
    files: (world) => ({ [`${blobs}/${hex(world)}.partial`]: beginning(world, 50_000) }),
    exitCode: 0,
    says: /^[0-9a-f]{12}: resumes at 50 kB of 98 kB$/m,
    asks: 'manifest config layer+',
  },
  {
    fault: 'a beginning that an earlier pull left, and the rest breaks off',
    files: (world) => ({ [`${blobs}/${hex(world)}.partial`]: beginning(world, 50_000) }),
    meet: [fin(0.5)],
    exitCode: 0,
    asks: 'manifest config layer+ layer+',
  },
  {
    fault: 'a beginning that ends in garbage: the layer is fetched once more',
    files: (world) => ({
      [`${blobs}/${hex(world)}.partial`]: Buffer.concat([beginning(world, 50_000), Buffer.alloc(999)]),
    }),
    exitCode: 0,
    asks: 'manifest config layer+ layer',
  },
  {
    fault: 'a beginning that is longer than the whole: the layer is fetched',
    files: (world) => ({ [`${blobs}/${hex(world)}.partial`]: randomBytes(200_000) }),
    exitCode: 0,
    asks: pulled,
  },
  {
    fault: 'a whole layer under the name of a beginning: not asked for',
    files: (world) => ({ [`${blobs}/${hex(world)}.partial`]: world.layer.blob }),
    exitCode: 0,
    asks: 'manifest config',
  },
  {
    fault: 'garbage of the right length under the name of a beginning: the layer is fetched',
    files: (world) => ({ [`${blobs}/${hex(world)}.partial`]: randomBytes(world.layer.blob.length) }),
    exitCode: 0,
    asks: pulled,
  },
  {
    fault: 'garbage under the name of the layer: the layer is fetched',
    files: (world) => ({ [`${blobs}/${hex(world)}`]: randomBytes(world.layer.blob.length) }),
    exitCode: 0,
    asks: pulled,
  },
  {
    fault: 'a file of someone else among the blobs: it stays',
    files: () => ({ [`${blobs}/notes.txt`]: 'mine' }),
    exitCode: 0,
    asks: pulled,
    keeps: [`${blobs}/notes.txt`],
  },
  {
    fault: 'a cache that has a part of the layer: only the rest is asked for',
    args: ['--cache', 'cache'],
    files: (world) => ({ [`cache/blobs/sha256/${hex(world)}.partial`]: beginning(world, 50_000) }),
    exitCode: 0,
    asks: 'manifest config layer+',
    keeps: ['cache/blobs/sha256/CONFIG', 'cache/blobs/sha256/LAYER'],
  },
  {
    fault: 'a layer that breaks off for ever, with a cache: what came is kept there',
    args: ['--cache', 'cache'],
    meet: [fin(0.5)],
    forever: fin(0),
    exitCode: 5,
    says: /broke off, 2 times without progress/,
    asks: 'manifest config layer layer+',
    keeps: ['cache/blobs/sha256/CONFIG', 'cache/blobs/sha256/LAYER.partial'],
  },
  {
    fault: 'a device without room for anything',
    args: ['-o', '/dev/full'],
    exitCode: 7,
    says: /cannot write \/dev\/full.*full/,
    asks: /^manifest config( layer)?$/,
  },
  {
    fault: 'a device that takes everything',
    args: ['-o', '/dev/null'],
    exitCode: 0,
    asks: pulled,
    archive: 'old',
  },
  {
    fault: 'a directory that is not there',
    args: ['-o', 'nowhere/image.tar'],
    exitCode: 7,
    says: /nowhere/,
    asks: '',
  },
  {
    fault: 'a file where a directory should be',
    args: ['-o', 'image.tar/image.tar'],
    exitCode: 7,
    says: /image\.tar/,
    asks: '',
  },
  {
    fault: 'a file where the blobs should be',
    files: () => ({ 'image.tar.partial': 'mine' }),
    exitCode: 7,
    says: /image\.tar\.partial/,
    asks: '',
    keeps: ['image.tar.partial'],
  },
  {
    fault: 'a file where the cache should be',
    args: ['--cache', 'cache'],
    files: () => ({ cache: 'mine' }),
    exitCode: 7,
    says: /cache/,
    asks: '',
    keeps: ['cache'],
  },
  {
    fault: 'a pull to stdout that breaks off: nothing is left',
    args: ['-o', '-'],
    meet: [fin(0.5)],
    forever: resetBefore,
    exitCode: 5,
    says: /^dray: blob [0-9a-f]{12} of app broke off after \d+ bytes: .*too early(?![\s\S]*is kept)/m,
    asks: 'manifest config layer layer+ layer+',
  },
]
