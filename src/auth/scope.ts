/** What a pull needs to be allowed: `repository:NAME:pull` (distribution's docs/spec/auth/scope). */
export function pullScope(repository: string): string {
  return `repository:${repository}:pull`
}

/** The scopes in a challenge's parameter; undefined for none. */
export function scopesOf(text = ''): readonly string[] | undefined {
  const scopes = text.split(' ').filter(Boolean)
  return scopes.length > 0 ? scopes : undefined
}
