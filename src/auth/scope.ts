/** What a pull needs to be allowed: `repository:NAME:pull` (distribution's docs/spec/auth/scope). */
export function pullScope(repository: string): string {
  return `repository:${repository}:pull`
}
