import type { DrayError } from '../errors.ts'

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
   * `onProblem` is told of what may have held it and was passed over, as it makes no sense.
   */
  find(
    registry: string,
    repository: string,
    onProblem?: (problem: DrayError) => void,
  ): Promise<Credential | undefined>
}

/** Asks sources in order; the first that knows the registry decides. */
export function firstOf(...sources: readonly CredentialSource[]): CredentialSource {
  return {
    async find(...wanted) {
      for (const source of sources) {
        const credential = await source.find(...wanted)
        if (credential) return credential
      }
      return undefined
    },
  }
}
