import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createClaim, findClaims, isAlive, isClaimOn, sweepClaims } from '../../../src/streams/claim.ts'
import { claimedBy } from '../../support/claims.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const inDirectory = () => join(temporaryDirectory(), 'app.tar')

function touch(path: string, secondsAgo = 0): string {
  writeFileSync(path, '')
  const time = Date.now() / 1000 - secondsAgo
  utimesSync(path, time, time)
  return path
}

test('a claim is found by its stem, and by no other', async () => {
  const stem = inDirectory()
  const claim = createClaim(stem)
  for (const path of [claim.path, stem, `${stem}.partial`, `${stem}.gz`, createClaim(`${stem}.gz`).path])
    touch(path)
  expect(await findClaims(stem)).toEqual([claim.path])
  expect(await findClaims(join(stem, 'no', 'such'))).toEqual([])
  claim.end()
})

test.each([
  ['app.tar.0123abcd-17-0123abcd.partial', true],
  ['app.tar.0123abcd-17-0123abcd', false],
  ['app.tar.0123abcd-0-0123abcd.partial', false],
  ['app.tar.0123ABCD-17-0123abcd.partial', false],
  ['app.tar.x.0123abcd-17-0123abcd.partial', false],
  ['app.tar.partial', false],
  ['my-app.tar.0123abcd-17-0123abcd.partial', false],
])('%s is ours: %s', (name, expected) => {
  expect(isClaimOn('app.tar', name)).toBe(expected)
})

describe('whoever claimed it is alive', () => {
  test.each<[string, boolean, (stem: string) => string]>([
    ['when its process is there', true, (stem) => touch(claimedBy.living(stem))],
    [
      'when its process is there and was stopped for a while',
      true,
      (stem) => touch(claimedBy.living(stem), 500),
    ],
    [
      'not when the process of that number has been silent for long',
      false,
      (stem) => touch(claimedBy.living(stem), 900),
    ],
    ['not when its process has ended', false, (stem) => touch(claimedBy.dead(stem))],
    ['not when it is elsewhere and has been silent', false, (stem) => touch(claimedBy.stranger(stem), 20)],
    [
      'not when it is elsewhere and its last sign is from the future',
      false,
      (stem) => touch(claimedBy.stranger(stem), -20),
    ],
    ['not when the file is gone', false, (stem) => claimedBy.stranger(stem)],
    ['not when the name says nothing', false, (stem) => touch(`${stem}.partial`)],
    ['when it is this process, whatever the file says', true, (stem) => touch(createClaim(stem).path, 900)],
  ])('%s: %s', async (_, expected, claim) => {
    expect(await isAlive(claim(inDirectory()), signal)).toBe(expected)
  })

  test('when it is elsewhere and stirs', async () => {
    const path = touch(claimedBy.stranger(inDirectory()), 5)
    setTimeout(() => touch(path), 150)
    expect(await isAlive(path, signal)).toBe(true)
  })

  test('not when it is elsewhere and does not stir for as long as a living one would', async () => {
    expect(await isAlive(touch(claimedBy.stranger(inDirectory()), 9.5), signal)).toBe(false)
  })

  test('as far as one knows, when a signal ends the wait', async () => {
    const stop = new AbortController()
    const answer = isAlive(touch(claimedBy.stranger(inDirectory())), stop.signal)
    stop.abort()
    expect(await answer).toBe(true)
  })
})

test('a claim that is held gives signs of life, and none after its end', async () => {
  const { path, end } = createClaim(inDirectory())
  touch(path, 1000)
  await expect.poll(() => Date.now() - statSync(path).mtimeMs, { timeout: 5000 }).toBeLessThan(2000)
  end()
  touch(path, 1000)
  await new Promise((resolve) => setTimeout(resolve, 1200))
  expect(Date.now() - statSync(path).mtimeMs).toBeGreaterThan(900_000)
})

test('only what killed processes left is swept, and nothing of another kind', async () => {
  const stem = inDirectory()
  const kept = [
    touch(stem),
    touch(`${stem}.partial`),
    touch(claimedBy.living(stem)),
    touch(claimedBy.dead(`${stem}2`)),
  ]
  const directory = claimedBy.dead(stem)
  mkdirSync(directory)
  kept.push(directory)
  const victim = touch(`${stem}.victim`)
  const link = claimedBy.dead(stem)
  symlinkSync(victim, link)
  kept.push(victim, link)
  const swept = [touch(claimedBy.dead(stem)), touch(claimedBy.stranger(stem), 60)]

  await sweepClaims(stem, 'file', signal)

  expect(swept.filter((path) => existsSync(path))).toEqual([])
  expect(readdirSync(join(stem, '..')).sort()).toEqual(kept.map((path) => basename(path)).sort())
  await sweepClaims(stem, 'directory', signal)
  expect(existsSync(directory)).toBe(false)
})
