import { describe, expect, test } from 'vitest'
import { configPlaces } from '../../../src/cli/config-places.ts'

describe('on Linux', () => {
  test("the places are those of podman, containerd and docker, the user's before the system's", () => {
    expect(configPlaces({}, 'linux', '/home/u', 1000)).toEqual({
      registriesConf: [
        {
          main: '/home/u/.config/containers/registries.conf',
          dropIns: ['/home/u/.config/containers/registries.conf.d'],
        },
        {
          main: '/etc/containers/registries.conf',
          dropIns: ['/etc/containers/registries.conf.d', '/home/u/.config/containers/registries.conf.d'],
        },
      ],
      shortNameCache: '/home/u/.cache/containers/short-name-aliases.conf',
      containerd: {
        configs: ['/home/u/.config/containerd/config.toml', '/etc/containerd/config.toml'],
        userHosts: ['/home/u/.config/containerd/certs.d'],
        systemHosts: ['/etc/containerd/certs.d', '/etc/docker/certs.d'],
      },
      dockerDaemon: [
        '/home/u/.config/docker/daemon.json',
        '/etc/docker/daemon.json',
        '/home/u/.docker/daemon.json',
      ],
      certsDirectories: [
        '/home/u/.config/containers/certs.d',
        '/etc/containers/certs.d',
        '/home/u/.config/docker/certs.d',
        '/etc/docker/certs.d',
        '/home/u/.docker/certs.d',
      ],
    })
  })

  test('root remembers short names with the system', () => {
    const { shortNameCache } = configPlaces({}, 'linux', '/root', 0)
    expect(shortNameCache).toBe('/var/cache/containers/short-name-aliases.conf')
  })

  test("XDG_CONFIG_HOME and XDG_CACHE_HOME move what is the user's", () => {
    const env = { XDG_CONFIG_HOME: '/x/config', XDG_CACHE_HOME: '/x/cache' }
    const places = configPlaces(env, 'linux', '/home/u', 1000)
    expect(places.registriesConf[0]?.main).toBe('/x/config/containers/registries.conf')
    expect(places.containerd.userHosts).toEqual(['/x/config/containerd/certs.d'])
    expect(places.dockerDaemon[0]).toBe('/x/config/docker/daemon.json')
    expect(places.certsDirectories[0]).toBe('/x/config/containers/certs.d')
    expect(places.shortNameCache).toBe('/x/cache/containers/short-name-aliases.conf')
  })

  test('podman, which may not know them, finds its files where they were too', () => {
    const places = configPlaces({ XDG_CONFIG_HOME: '/x/config' }, 'linux', '/home/u', 1000)
    expect(places.registriesConf).toEqual([
      {
        main: '/x/config/containers/registries.conf',
        dropIns: ['/x/config/containers/registries.conf.d'],
      },
      {
        main: '/home/u/.config/containers/registries.conf',
        dropIns: ['/home/u/.config/containers/registries.conf.d'],
      },
      {
        main: '/etc/containers/registries.conf',
        dropIns: [
          '/etc/containers/registries.conf.d',
          '/x/config/containers/registries.conf.d',
          '/home/u/.config/containers/registries.conf.d',
        ],
      },
    ])
    expect(places.certsDirectories.slice(0, 2)).toEqual([
      '/x/config/containers/certs.d',
      '/home/u/.config/containers/certs.d',
    ])
  })

  test.each(['CONTAINERS_REGISTRIES_CONF', 'REGISTRIES_CONFIG_PATH'])(
    '%s names the one main file',
    (name) => {
      expect(configPlaces({ [name]: '/x/my.conf' }, 'linux', '/home/u', 1000).registriesConf).toEqual([
        {
          main: '/x/my.conf',
          named: true,
          dropIns: ['/etc/containers/registries.conf.d', '/home/u/.config/containers/registries.conf.d'],
        },
      ])
    },
  )
})

test('on Windows, docker and containerd keep theirs in directories of the system', () => {
  const env = { ProgramData: 'D:\\Data', ProgramFiles: 'D:\\Programs' }
  const places = configPlaces(env, 'win32', 'C:\\Users\\u', undefined)
  expect(places.dockerDaemon).toEqual([
    'C:\\Users\\u\\.config\\docker\\daemon.json',
    'D:\\Data\\docker\\config\\daemon.json',
    'C:\\Users\\u\\.docker\\daemon.json',
  ])
  expect(places.certsDirectories).toContain('D:\\Data\\docker\\certs.d')
  expect(places.containerd.systemHosts).toEqual([
    'D:\\Programs\\containerd\\certs.d',
    'D:\\Data\\docker\\certs.d',
  ])
  expect(configPlaces({}, 'win32', 'C:\\Users\\u', undefined).dockerDaemon).toContain(
    'C:\\ProgramData\\docker\\config\\daemon.json',
  )
})

test('on macOS, Docker Desktop keeps its own in the home directory', () => {
  expect(configPlaces({}, 'darwin', '/Users/u', 501).dockerDaemon).toContain('/Users/u/.docker/daemon.json')
})
