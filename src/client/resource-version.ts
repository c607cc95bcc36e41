/**
 * Orders two resourceVersions: negative when `a` is older, 0 when equal. They are decimal numbers of any length that may be
 * compared within one kind (KEP-5504); the empty string is older than everything.
 */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}
