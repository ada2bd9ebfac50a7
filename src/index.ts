export type { Credential, CredentialSource } from './auth/credential.ts'
export { firstOf } from './auth/credential.ts'
export { dockerConfigSource } from './auth/docker-config.ts'
export { DrayError, type ErrorCode, isDrayError } from './errors.ts'
export type { OnEvent, PullEvent } from './events.ts'
export type { ProxySettings } from './http/proxy.ts'
export type { TlsSettings } from './http/tls.ts'
export type { Digest } from './oci/digest.ts'
export { familiarReference, formatReference, parseReference, type Reference } from './oci/reference.ts'
export { type PulledImage, type PullOptions, type PullResult, pull } from './pull.ts'
export type {
  ArchiveKind,
  EngineVerdict,
  Problem,
  Verdict,
  VerifiedImage,
  VerifiedLayer,
} from './verify/verdict.ts'
export { type VerifyOptions, verify } from './verify/verify.ts'
