import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { runDray } from '../run-dray.ts'
import { serve } from '../serve.ts'
import { answer, image, type Symptom } from './symptom.ts'

export interface Shown {
  readonly exitCode: number | null
  readonly says: string
  readonly advice: string | undefined
  readonly warns: string | undefined
}

const fixtures = fileURLToPath(new URL('../../fixtures/tls', import.meta.url))
const names = new URL('names.mjs', import.meta.url)

/** Lets dray run into a symptom, and takes down what it says; what differs from run to run is left out. */
export async function showSymptom(symptom: Symptom): Promise<Shown> {
  const server = await open(symptom)
  try {
    const fill = (text: string) => text.replaceAll('PORT', `${server.port}`).replaceAll('FIXTURES', fixtures)
    const [, ...args] = symptom.command.split(' ').map(fill)
    const env = Object.entries(symptom.env ?? {}).map(([name, value]) => [name, fill(value)])
    const { exitCode, stderr } = await runDray([...args, '--retries', '0', '--progress', 'plain'], {
      env: { NODE_OPTIONS: `--import=${names}`, ...Object.fromEntries(env) },
    })
    const lines = timeless(stderr.replaceAll(`:${server.port}`, '')).split('\n')
    return {
      exitCode,
      says: after('dray: ', lines) ?? '',
      advice: after('try: ', lines),
      warns: after('warning: ', lines),
    }
  } finally {
    await server.close()
  }
}

function after(beginning: string, lines: readonly string[]): string | undefined {
  return lines.find((line) => line.startsWith(beginning))?.slice(beginning.length)
}

function open({ server, tls, connect }: Symptom): Promise<{ port: number; close(): Promise<void> }> {
  if (connect !== undefined) return serveConnect(connect)
  return server ? serve(server, tls ? { tls } : {}) : deafPort()
}

/** Says this to whatever is asked. */
async function serveConnect(says: string) {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(says))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.close()
    await once(server, 'close')
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** Of a server that is gone by now. */
async function deafPort() {
  const server = await serve(answer(500))
  await server.close()
  return { port: server.port, close: async () => {} }
}

function timeless(text: string): string {
  return text
    .replace(/\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/g, '…')
    .replaceAll(image.configDigest.slice(7, 19), 'CONFIG')
}
