import type { ProxySettings } from '../http/proxy.ts'
import { type Environment, type NamedValue, npmSetting, variableIn } from './environment.ts'
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
  const none =
    noProxy === undefined
      ? (variableIn(env, 'NO_PROXY', 'no_proxy') ?? npmSetting(env, 'noproxy'))
      : { value: noProxy, name: '--no-proxy' }
  const flag = proxy ? { value: proxy, name: '--proxy' } : undefined
  const { https, http, all } = flag ? { https: flag, http: flag, all: undefined } : readProxies(env)
  const isHalf = http && !https && !all && !plainHttp
  return {
    settings: {
      https: https?.value,
      http: http?.value,
      all: all?.value,
      none: none?.value,
      from: { https: https?.name, http: http?.name, all: all?.name, none: none?.name },
    },
    warnings: isHalf ? [onlyHttp(http)] : [],
  }
}

function readProxies(env: Environment) {
  const https = variableIn(env, 'HTTPS_PROXY', 'https_proxy')
  // In a CGI program HTTP_PROXY comes from a request's `Proxy:` header, and must not be believed.
  const http = env.REQUEST_METHOD ? undefined : variableIn(env, 'HTTP_PROXY', 'http_proxy')
  const all = variableIn(env, 'ALL_PROXY', 'all_proxy')
  if (all) return { https, http, all }
  const npm = npmSetting(env, 'proxy')
  return { https: https ?? npmSetting(env, 'https_proxy') ?? npm, http: http ?? npm, all }
}

function onlyHttp({ name }: NamedValue): string {
  return `${name} is set and HTTPS_PROXY is not: registries that speak https are reached directly`
}
