import type { ArchiveFormat } from './archive-format.ts'
import { dockerArchive } from './docker-archive.ts'
import { ociArchive } from './oci-archive.ts'

/** Every format that an archive can have, by name. */
export const archiveFormats: Readonly<Record<ArchiveFormat['name'], ArchiveFormat>> = {
  docker: dockerArchive,
  oci: ociArchive,
}
