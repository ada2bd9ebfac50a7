import { plainHost } from './origin.ts'

/** True for the hosts of well-known public registries and what they redirect to: their certificates come from public CAs. */
export function isPublicRegistry(hostname: string): boolean {
  const host = plainHost(hostname)
  return domains.some((domain) => host === domain || host.endsWith(`.${domain}`))
}

const domains: readonly string[] = [
  ...['docker.io', 'docker.com', 'ghcr.io', 'githubusercontent.com', 'quay.io', 'gcr.io', 'pkg.dev'],
  ...['googleapis.com', 'registry.k8s.io', 'mcr.microsoft.com', 'azurecr.io', 'blob.core.windows.net'],
  ...['public.ecr.aws', 'amazonaws.com', 'cloudfront.net', 'cloudflarestorage.com', 'nvcr.io'],
  ...['gitlab.com', 'redhat.com', 'redhat.io', 'fedoraproject.org', 'opensuse.org', 'lscr.io', 'cgr.dev'],
]
