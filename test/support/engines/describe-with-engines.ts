import { describe, inject } from 'vitest'
import type { World } from './world.ts'

/** Tests that need real engines: skipped where one is missing, and the name says which. */
export function describeWithEngines(name: string, tests: (world: World) => void): void {
  const { missing, world } = inject('engines')
  if (world) describe(name, () => tests(world))
  else describe.skip(`${name} (skipped: ${missing.join(', ')})`, () => tests(nowhere))
}

// Vitest collects the names of skipped tests too, so their describe blocks run; the tests do not.
const nowhere: World = {
  directory: '',
  host: '',
  storage: '',
  dockerDirectory: '',
  references: {
    ...{ oneLayer: '', manyLayers: '', multiPlatform: '', oci: '' },
    ...{ zstd: '', heavy: '', nameless: '', longName: '' },
  },
}
