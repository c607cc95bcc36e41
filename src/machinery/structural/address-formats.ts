/** Texts that lead somewhere, by the rules of Go's parsers, which upstream asks. */

const atom = String.raw`[A-Za-z0-9!#$%&'*+/=?^_\x60{|}~\u0080-\u{10ffff}-]+`
const dotAtom = `${atom}(?:\\.${atom})*`
const quoted = String.raw`"(?:[^"\\\r\n]|\\.)*"`
const address = `(?:${dotAtom}|${quoted})@(?:${dotAtom}|\\[[^\\[\\]\\\\\\s]*\\])`
const phrase = `(?:${atom}|${quoted})(?:[ \\t.]+(?:${atom}|${quoted}))*\\.?`
const email = new RegExp(`^\\s*(?:${address}|(?:${phrase})?\\s*<\\s*${address}\\s*>)\\s*(?:\\([^()]*\\)\\s*)?$`, 'u')

/** As Go's mail.ParseAddress: `a@b`, `A <a@b>`. */
export const isEmail = (text: string) => email.test(text)

const badEscape = /%(?![0-9A-Fa-f]{2})/

/** As Go's url.ParseRequestURI: absolute, or a path from the root. */
export function isUri(text: string): boolean {
  const isPrintable = /^[\x20-\x7e\x80-\u{10ffff}]+$/u.test(text)
  if (!isPrintable) return false
  if (text === '*') return true
  const [, scheme = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text) ?? []
  const rest = text.slice(scheme === '' ? 0 : scheme.length + 1).split('?', 1)[0]!
  if (!rest.startsWith('/')) return scheme !== ''
  if (scheme === '' || !rest.startsWith('//')) return !badEscape.test(rest)
  const [, authority = '', path = ''] = /^\/\/([^/]*)(.*)$/.exec(rest)!
  return isAuthority(authority) && !badEscape.test(path)
}

function isAuthority(authority: string): boolean {
  const at = authority.lastIndexOf('@')
  if (at >= 0 && (badEscape.test(authority.slice(0, at)) || !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at)))) return false
  const host = authority.slice(at + 1)
  if (host.startsWith('[')) return /^\[[^\]\s]*\](?::\d*)?$/.test(host)
  // Of ASCII nothing may be escaped in a host, nor stand there that would have to be.
  return /^[^\s"#%/?@[\\\]^`{|}]*$/.test(host.replace(/%[89A-Fa-f][0-9A-Fa-f]/g, '')) && /^[^:]*(?::\d*)?$/.test(host)
}
