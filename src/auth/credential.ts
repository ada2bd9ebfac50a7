/** What proves who you are to a registry. */
export type Credential = Found &
  (
    | { readonly kind: 'basic'; readonly username: string; readonly password: string }
    /** An OAuth2 refresh token, traded for an access token at the realm. */
    | { readonly kind: 'identity-token'; readonly token: string }
    /** A bearer token that the registry takes as it is. */
    | { readonly kind: 'registry-token'; readonly token: string }
  )

interface Found {
  /** Where it was found, for people: `/home/me/.docker/config.json`, `DRAY_USERNAME`. */
  readonly from?: string | undefined
}

/** Where credentials come from. */
export interface CredentialSource {
  /**
   * The credential for a repository (`library/nginx`) of a registry (`docker.io`, `host:5000`), or undefined for none.
   * Rejects with UNAUTHORIZED when a helper that should know is broken: what else is stored is not what the user meant.
   */
  find(registry: string, repository: string): Promise<Credential | undefined>
}

/** Asks sources in order; the first that knows the registry decides. */
export function firstOf(...sources: readonly CredentialSource[]): CredentialSource {
  return {
    async find(registry, repository) {
      for (const source of sources) {
        const credential = await source.find(registry, repository)
        if (credential) return credential
      }
      return undefined
    },
  }
}
