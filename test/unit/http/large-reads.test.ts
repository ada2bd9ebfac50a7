import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { largeReads } from '../../../src/http/large-reads.ts'
import { rawServer } from './raw-server.ts'

const size = 128 * 1024

function connectTo(host: string): Socket {
  const [address, port] = host.split(':')
  const socket: Socket = connect({
    host: address,
    port: Number(port),
    onread: largeReads(() => socket),
  })
  return socket
}

test('all bytes come, in their order, then the end', async () => {
  const sent = Buffer.from(Array.from({ length: 700_000 }, (_, i) => `${i},`).join(''))
  await using server = await rawServer((socket) => {
    socket.write(sent.subarray(0, 5))
    socket.write(sent.subarray(5, 100_000), () => socket.end(sent.subarray(100_000)))
  })
  expect((await buffer(connectTo(server.host))).equals(sent)).toBe(true)
})

test('what has gathered comes at once, in memory of its own', async () => {
  await using server = await rawServer((socket) => socket.end(Buffer.alloc(40 * size, 7)))
  const socket = connectTo(server.host)
  const chunks: Buffer[] = []
  for await (const chunk of socket) {
    chunks.push(chunk)
    await delay(5)
  }
  const large = chunks.filter(({ length }) => length === size)
  expect(large.length).toBeGreaterThan(20)
  expect(new Set(large.map(({ buffer }) => buffer)).size).toBe(large.length)
  expect(large.map((chunk) => chunk.buffer.byteLength)).toEqual(large.map(() => size))
})

test('a few bytes do not hold on to the memory of many, and are not overwritten by those after them', async () => {
  await using server = await rawServer(async (socket) => {
    for (const byte of [1, 2, 3]) {
      socket.write(Buffer.alloc(10_000, byte))
      await delay(20)
    }
    socket.end()
  })
  const chunks: Buffer[] = await connectTo(server.host).toArray()
  expect(chunks.map((chunk) => [chunk[0], chunk.length])).toEqual([
    [1, 10_000],
    [2, 10_000],
    [3, 10_000],
  ])
  for (const { buffer } of chunks) expect(buffer.byteLength).toBeLessThan(size)
})

test('the server has to wait while nobody takes what came', async () => {
  let sent = 0
  await using server = await rawServer((socket) => {
    const send = () => {
      for (let goesOn = true; goesOn; sent += size) goesOn = socket.write(Buffer.alloc(size))
    }
    socket.on('drain', send)
    send()
  })
  const socket = connectTo(server.host)
  await once(socket, 'readable')
  await delay(200)
  const sentBefore = sent
  await delay(200)
  expect(sent).toBe(sentBefore)
  expect(socket.readableLength).toBeLessThanOrEqual(2 * size)
  socket.resume()
  await delay(200)
  expect(sent).toBeGreaterThan(sentBefore)
  socket.destroy()
})

test('what is put back again and again does not pile up', async () => {
  await using server = await rawServer((socket) => socket.write(Buffer.alloc(100 * size)))
  const socket = connectTo(server.host)
  await once(socket, 'readable')
  for (let i = 0; i < 60; i++) {
    socket.unshift(socket.read(10))
    await delay(2)
  }
  expect(socket.readableLength).toBeLessThan(20 * size)
  socket.destroy()
})
