import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))

export default defineConfig({
  test: {
    root,
    // Many a test waits: also where there are two cores, two files are run at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { test: { root, name: 'unit', include: ['test/{unit,property}/**/*.test.ts'] } },
      {
        test: {
          root,
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          globalSetup: ['test/support/build.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          root,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/build.ts', 'test/support/engines/world.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
