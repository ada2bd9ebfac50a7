/** `read`, called when its value is first asked for. */
export function once<T>(read: () => T): () => T {
  let kept: { readonly value: T } | undefined
  return () => {
    kept ??= { value: read() }
    return kept.value
  }
}
