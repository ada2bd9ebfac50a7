import type { ProxySettings } from '../http/proxy.ts'
import type { Environment } from './environment.ts'
import type { Flags } from './flags.ts'

export interface ReadProxySettings {
  readonly settings: ProxySettings
  /** What the user should know about them. */
  readonly warnings: readonly string[]
}

/**
 * Which proxies to use: `--proxy` and `--no-proxy`, then the variables that most programs know, upper case before lower case
 * as in Go, then the settings that npm passes on to what it runs: whoever got here by `npx` needs no others.
 */
export function readProxySettings(
  { proxy, noProxy, plainHttp }: Pick<Flags, 'proxy' | 'noProxy' | 'plainHttp'>,
  env: Environment,
): ReadProxySettings {
  const flag = proxy ? { value: proxy, from: '--proxy' } : undefined
  const https = flag ?? variable(env, 'HTTPS_PROXY', 'https_proxy')
  const http = flag ?? httpVariable(env)
  const all = flag ? undefined : variable(env, 'ALL_PROXY', 'all_proxy')
  const none =
    noProxy === undefined
      ? (variable(env, 'NO_PROXY', 'no_proxy') ?? npmSetting(env, 'noproxy'))
      : { value: noProxy, from: '--no-proxy' }
  const npm = all ? undefined : npmSetting(env, 'proxy')
  const settings = {
    https: https ?? (all ? undefined : npmSetting(env, 'https_proxy')) ?? npm,
    http: http ?? npm,
    all,
    none,
  }
  const isHalf = http && !settings.https && !all && !plainHttp
  return { settings: toSettings(settings), warnings: isHalf ? [onlyHttp(http)] : [] }
}

interface Setting {
  readonly value: string
  /** Its name, for messages. */
  readonly from: string
}

/** The first of these that is set; an empty one is not. */
function variable(env: Environment, ...names: readonly string[]): Setting | undefined {
  const from = names.find((name) => env[name]?.trim())
  return from === undefined ? undefined : { value: env[from] ?? '', from }
}

/** In a CGI program HTTP_PROXY comes from a request's `Proxy:` header, and must not be believed. */
function httpVariable(env: Environment): Setting | undefined {
  return env.REQUEST_METHOD ? undefined : variable(env, 'HTTP_PROXY', 'http_proxy')
}

/** npm writes its settings in lower case, and leaves those alone that it got from a variable in upper case. */
function npmSetting(env: Environment, key: string): Setting | undefined {
  const names = [`npm_config_${key}`, `NPM_CONFIG_${key.toUpperCase()}`]
  return variable(env, ...names.filter((name) => !/^(null|false|undefined)$/.test(env[name] ?? '')))
}

type Kind = 'https' | 'http' | 'all' | 'none'

function toSettings(settings: Readonly<Record<Kind, Setting | undefined>>): ProxySettings {
  const set = Object.entries(settings).flatMap(([kind, setting]) => (setting ? [{ kind, ...setting }] : []))
  if (set.length === 0) return {}
  return {
    ...Object.fromEntries(set.map(({ kind, value }) => [kind, value])),
    from: Object.fromEntries(set.map(({ kind, from }) => [kind, from])),
  }
}

function onlyHttp({ from }: Setting): string {
  return `${from} is set and HTTPS_PROXY is not: registries that speak https are reached directly`
}
