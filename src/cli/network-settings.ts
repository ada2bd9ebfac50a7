import { homedir } from 'node:os'
import type { NetworkOptions } from '../network.ts'
import type { PullOptions } from '../pull.ts'
import { configPlaces } from './config-places.ts'
import { type Environment, variable } from './environment.ts'
import { numberIn } from './flag-values.ts'
import type { Flags } from './flags.ts'
import { readProxySettings } from './proxy-settings.ts'
import { readTlsSettings } from './tls-settings.ts'

export interface NetworkSettings {
  readonly settings: NetworkOptions & Pick<PullOptions, 'retries'>
  /** What the user should know about them. */
  readonly warnings: readonly string[]
  /** What has to be said even when nothing else is. */
  readonly alarms: readonly string[]
}

/** How registries are reached, by flags, variables and the places where other tools keep theirs. Throws USAGE and FILE. */
export async function readNetworkSettings(flags: Flags, env: Environment): Promise<NetworkSettings> {
  const timeout = numberIn('--timeout', flags.timeout, { from: 0.1, to: 86_400 })
  const proxy = readProxySettings(flags, env)
  const tls = await readTlsSettings(flags, env)
  const mirrors = variable(env, 'DRAY_MIRROR')?.split(/[\s,]+/)
  return {
    settings: {
      proxy: proxy.settings,
      tls: tls.settings,
      mirrors: flags.mirror ?? mirrors?.filter(Boolean),
      mirrorsFrom: flags.mirror ? '--mirror' : 'DRAY_MIRROR',
      config: flags.noSystemConfig
        ? undefined
        : configPlaces(env, process.platform, homedir(), process.getuid?.()),
      plainHttp: flags.plainHttp,
      retries: numberIn('--retries', flags.retries, { whole: true, from: 0, to: 1000 }),
      timeout: timeout && timeout * 1000,
    },
    warnings: [...tls.warnings, ...proxy.warnings],
    alarms: tls.alarms,
  }
}
