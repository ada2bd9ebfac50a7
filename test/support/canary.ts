import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Begins every secret of the tests, so that even a piece of one is found again. */
const marker = 'c4n4ry'

/** A secret that can be found wherever it turns up. `name` says where it was planted. */
export function canary(name: string): string {
  return `${marker}-${name}-%2F@:`
}

/** What a base64 text holds whenever its bytes hold the marker, in each of the three ways to begin in a group of three. */
const inBase64 = [0, 1, 2].map((offset) => {
  const text = Buffer.from(`${'\0'.repeat(offset)}${marker}`)
    .toString('base64')
    .replace(/=+$/, '')
  const first = Math.ceil((offset * 8) / 6)
  const last = Math.floor(((offset + marker.length) * 8) / 6)
  return text.slice(first, last)
})

const traces = new RegExp(`.{0,60}(?:${[`(?:${marker})`, ...inBase64].join('|')}).{0,40}`, 'g')

/** Where secrets show in a text: as they are, percent-encoded, in other letters, or within base64; each with what stands around it. */
export function findCanaries(text: string): readonly string[] {
  return text.replace(/C4N4RY/gi, marker).match(traces) ?? []
}

/** The same for all files below a directory, but for those planted there. */
export function findCanariesIn(directory: string, planted: ReadonlySet<string>): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true }).flatMap((entry) => {
    const file = join(entry.parentPath, entry.name)
    const names = findCanaries(entry.name).map(() => `the name ${entry.name}`)
    if (!entry.isFile() || planted.has(file)) return names
    return [...names, ...findCanaries(readFileSync(file, 'latin1')).map((trace) => `${file}: ${trace}`)]
  })
}
