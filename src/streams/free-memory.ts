import type { MessagePort } from 'node:worker_threads'

/** Closed: what is sent there is gone. */
let nowhere: MessagePort | undefined

/**
 * Frees the memory of buffers of which nobody else has a part, at once, where the garbage collector would come late: what is
 * handed over to another thread is no longer here, and nobody takes it. They are empty then. What is too small to have memory
 * of its own is left alone: returns how many bytes that are.
 */
export function freeMemory(buffers: readonly Buffer[]): number {
  nowhere ??= closedPort()
  const memory: ArrayBuffer[] = []
  let left = 0
  for (const { buffer, byteLength } of buffers) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) memory.push(buffer)
    else left += byteLength
  }
  if (memory.length > 0) nowhere.postMessage(undefined, memory)
  return left
}

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port2.close()
  port1.close()
  return port1
}
