import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The licence texts of all packages that these files belong to; throws when a package has none.
 * @param {readonly string[]} files
 */
export async function collectLicences(files) {
  const packages = files.map((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0])
  const directories = [...new Set(packages)].filter((directory) => directory !== undefined).sort()
  const texts = await Promise.all(directories.map(licenceOf))
  return `dray is distributed with parts of these packages.\n\n${texts.join('\n')}`
}

/** @param {string} directory */
async function licenceOf(directory) {
  const { name, version, license } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'))
  const file = (await readdir(directory)).find((entry) => /^(licen[cs]e|copying)/i.test(entry))
  if (!file) throw new Error(`${name} goes into the bundle, but has no licence text`)
  const text = await readFile(join(directory, file), 'utf8')
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text.trim()}\n`
}
