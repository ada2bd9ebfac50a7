import { expect, test, vi } from 'vitest'

const setFlagsFromString = vi.hoisted(() => vi.fn())
vi.mock('node:v8', () => ({ setFlagsFromString }))

import { compileWasmOnce } from '../../../src/cli/compile-wasm-once.ts'

test.each([
  ['20.18.1', 1],
  ['22.23.3', 1],
  ['24.0.0', 0],
  ['26.10.0', 0],
])('with Node %s, V8 is told %i times to compile WebAssembly only once', (version, times) => {
  setFlagsFromString.mockClear()
  compileWasmOnce(version)
  expect(setFlagsFromString).toHaveBeenCalledTimes(times)
})
