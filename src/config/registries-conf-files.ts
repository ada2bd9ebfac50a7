import { exists, listConfFiles, readConfigFile } from './read-config-file.ts'
import { decodeRegistriesConf, type RegistriesConf } from './registries-conf-decode.ts'
import { orWarning } from './table.ts'

/** A registries.conf and the directories whose `*.conf` files add to it. */
export interface RegistriesConfPlace {
  readonly main: string
  /** A variable points to it; the others are where the tools look on their own. */
  readonly named?: boolean
  readonly dropIns: readonly string[]
}

/**
 * Reads the first place whose main file is there (the last one also without it), then what its directories add: a
 * `[[registry]]` takes the place of an earlier one with the same prefix, an alias that of an earlier one of that name.
 */
export async function readRegistriesConf(
  places: readonly RegistriesConfPlace[],
  onWarning: (message: string) => void,
): Promise<RegistriesConf> {
  const place = choosePlace(places)
  if (!place) return { registries: [], aliases: new Map() }
  const dropIns = (await Promise.all(place.dropIns.map(listConfFiles))).flat()
  const main = { file: place.main, version1: true, mayBePipe: place.named }
  const files = [main, ...dropIns.map((file) => ({ file, version1: false, mayBePipe: false }))]
  const decoded: RegistriesConf[] = []
  // One after another, for warnings come in the order of the files.
  for (const { file, version1, mayBePipe } of files) {
    const text = await readConfigFile(file, onWarning, { mayBePipe })
    if (text === undefined) continue
    const conf = orWarning(onWarning, () => decodeRegistriesConf(text, file, { version1, onWarning }))
    if (conf) decoded.push(conf)
  }
  return merge(decoded)
}

function choosePlace(places: readonly RegistriesConfPlace[]): RegistriesConfPlace | undefined {
  return places.find(({ main }) => exists(main)) ?? places.at(-1)
}

function merge(files: readonly RegistriesConf[]): RegistriesConf {
  const registries = files.flatMap((file) => file.registries)
  return {
    registries: [...new Map(registries.map((table) => [table.prefix, table])).values()],
    aliases: new Map(files.flatMap(({ aliases }) => [...aliases])),
  }
}
