import { mustRun } from './run.ts'

export interface BuildahImage {
  /** Directories and files whose content becomes the first layer, in this order. */
  readonly add?: readonly string[]
  /** An image to start from. */
  readonly from?: string
  /** Flags of `buildah config`. */
  readonly config: readonly string[]
  readonly format: 'docker' | 'oci'
  /** Where it goes: `docker://…`, `oci:…`. */
  readonly destination: string
}

/** A buildah whose storage is in the directory; makes an image without running anything in it. */
export function buildahIn(directory: string): (image: BuildahImage) => Promise<void> {
  const storage = [`--root=${directory}/root`, `--runroot=${directory}/run`, '--storage-driver=vfs']
  const buildah = (...args: readonly string[]) => mustRun('buildah', [...storage, ...args])
  return async ({ add = [], from = 'scratch', config, format, destination }) => {
    const container = await buildah('from', '--quiet', '--tls-verify=false', from)
    if (add.length > 0) await buildah('add', '--quiet', container, ...add, '/')
    await buildah('config', ...config, container)
    const target = ['--quiet', '--tls-verify=false', `--format=${format}`, container, destination]
    await buildah('commit', ...target)
    await buildah('rm', container)
  }
}
