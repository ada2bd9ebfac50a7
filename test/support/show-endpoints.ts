import type { Endpoint } from '../../src/registry/endpoint.ts'

/** Endpoints as one would write down where a repository is served: `https://host/v2/library/nginx`. */
export function showEndpoints(endpoints: readonly Endpoint[] | undefined): readonly string[] | undefined {
  return endpoints?.map(({ root, repository }) => `${root}${repository}`)
}
