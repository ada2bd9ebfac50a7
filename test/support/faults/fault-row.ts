import type { Socket } from 'node:net'
import type { LayerFiles } from '../image-builder.ts'
import type { TokenAuthOptions } from '../registry.ts'
import type { Fault } from './fault.ts'
import type { World } from './world.ts'

/** What can be asked for; `@storage` is the host that a registry sends us to for its layers. */
export type Part = 'token' | 'manifest' | 'config' | 'layer' | 'layer@storage'

/** A server that listens already. */
export interface StandIn {
  readonly port: number
  readonly asked: () => string | number
  close(): Promise<void>
}

/** A fault, and everything that is promised for it. */
export interface FaultRow {
  /** What goes wrong, and what comes of it. */
  readonly fault: string
  /** A certificate of `test/fixtures/tls`, where TLS is spoken; several rows are made of a row with `both`. */
  readonly tls?: string | 'both'

  /** Which answer meets the faults; default: the layer. */
  readonly at?: Part
  /** What the first request for it meets, the second and so on; what follows is well. */
  readonly meet?: readonly Fault[]
  /** What all others meet. */
  readonly forever?: Fault
  /** The registry has its layers elsewhere. */
  readonly storage?: boolean
  /** The registry wants a token. */
  readonly tokens?: TokenAuthOptions
  /** Changes what the registry holds. */
  readonly content?: (world: World) => void
  /** The address that the registry listens at; default: 127.0.0.1. */
  readonly address?: string
  /** The certificate of the storage, where it has one of its own; `none` for plain http. */
  readonly storageTls?: string

  /** In place of the registry: what happens to a connection. */
  readonly connection?: (socket: Socket) => void
  /** A registry of another kind. */
  readonly standIn?: (world: World) => Promise<StandIn>
  /** A proxy that does this to a connection; or one that works, and is on the way. */
  readonly proxy?: ((socket: Socket) => void) | 'works'
  /** How the proxy is named; PROXY is its host. */
  readonly proxyUrl?: string

  /** What is there before, by path. */
  readonly files?: (world: World) => Readonly<Record<string, string | Buffer>>
  /** Default: `-o image.tar` and HOST/app:1, one retry, a patience of five seconds; HOME and PROXY are filled in. */
  readonly args?: readonly string[]
  readonly image?: string
  /** The image is asked for by its digest. */
  readonly byDigest?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Default: the CA of the fixtures is trusted where TLS is spoken, and `--plain-http` given where it is not. */
  readonly trust?: readonly string[]
  readonly layer?: LayerFiles

  readonly exitCode: number
  /** What stderr says; ports are left out. Default: nothing but progress. */
  readonly says?: RegExp
  /**
   * What the servers are asked, in order; `layer+` is the rest of the layer. Where there is but a connection: how many. One
   * to a server of this machine that speaks TLS is for finding out whether it does.
   */
  readonly asks: string | number | RegExp
  /** What is left beside the archive; default: nothing. */
  readonly keeps?: readonly string[]
  /** What becomes of the archive; default: a new one at exit code 0, otherwise the old one. */
  readonly archive?: 'old' | 'new' | 'none'
}
