/** Passes each message on, or each that has a key of its own, once. */
export function tellOnce(tell?: (message: string) => void): (message: string, key?: string) => void {
  const told = new Set<string>()
  return (message, key = message) => {
    if (told.has(key)) return
    told.add(key)
    tell?.(message)
  }
}
