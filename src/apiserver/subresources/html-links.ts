/**
 * Rewrites the links of an HTML page while it streams by. All but the links passes byte for byte; a page is read as Latin-1, so that
 * any encoding that has ASCII's signs in ASCII's places comes out as it went in.
 */

/** Attributes that hold a link, by element (HTML 4 and the living standard). */
const linkAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
}
/** What stands in these is text up to their end tag, whatever it looks like. */
const rawTextElements = new Set(['iframe', 'noembed', 'noframes', 'noscript', 'script', 'style', 'textarea', 'title', 'xmp'])
/** A tag or comment that is longer passes as it is: nothing of a page is held back for ever. */
const pendingBytesMax = 64 * 1024

/** `rewrite` is given each link's text as it stands in the page, character references included. */
export async function* rewriteLinks(page: AsyncIterable<Uint8Array>, rewrite: (link: string) => string): AsyncIterable<Uint8Array> {
  let pending = ''
  let until: string | undefined
  for await (const block of page) {
    pending += Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString('latin1')
    const scanned = scan(pending, until, rewrite)
    ;({ until } = scanned)
    const isStuck = scanned.rest.length > pendingBytesMax
    const ready = isStuck ? scanned.done + scanned.rest : scanned.done
    pending = isStuck ? '' : scanned.rest
    if (ready) yield Buffer.from(ready, 'latin1')
  }
  if (pending) yield Buffer.from(pending, 'latin1')
}

type Scanned = {
  readonly done: string
  /** What can be judged only when more has come. */
  readonly rest: string
  /** In lower case: what ends the comment or raw text that goes on here. */
  readonly until: string | undefined
}

function scan(text: string, goesOnUntil: string | undefined, rewrite: (link: string) => string): Scanned {
  const done: string[] = []
  let until = goesOnUntil
  let at = 0
  const take = (end: number) => {
    done.push(text.slice(at, end))
    at = end
  }
  while (at < text.length) {
    if (until !== undefined) {
      const end = text.toLowerCase().indexOf(until, at)
      if (end < 0) {
        take(Math.max(at, text.length - until.length + 1))
        break
      }
      take(end + until.length)
      until = undefined
    }
    const open = text.indexOf('<', at)
    take(open < 0 ? text.length : open)
    if (open < 0 || '<!--'.startsWith(text.slice(open))) break
    if (text.startsWith('<!--', open)) {
      until = '-->'
      take(open + 4)
      continue
    }
    if (!/[a-z]/i.test(text[open + 1]!)) {
      take(open + 1)
      continue
    }
    const tag = readStartTag(text, open)
    if (!tag) break
    done.push(withLinks(text.slice(open, tag.end), open, tag, rewrite))
    at = tag.end
    if (rawTextElements.has(tag.name)) until = `</${tag.name}`
  }
  return { done: done.join(''), rest: text.slice(at), until }
}

/** The links of a start tag by their places in the text; undefined while its end has not come. */
type StartTag = { readonly name: string; readonly end: number; readonly links: readonly { readonly start: number; readonly end: number }[] }

function readStartTag(text: string, open: number): StartTag | undefined {
  const namePattern = /[^\s/>]+/y
  namePattern.lastIndex = open + 1
  const name = namePattern.exec(text)![0].toLowerCase()
  const attribute = /[\s/]*([^\s/>=][^\s/>=]*|=[^\s/>=]*)?(\s*=\s*)?/y
  const links: { start: number; end: number }[] = []
  let at = namePattern.lastIndex
  while (at < text.length) {
    attribute.lastIndex = at
    const [whole, key, equals] = attribute.exec(text)!
    at += whole.length
    if (key === undefined && text[at] === '>') return { name, end: at + 1, links }
    if (equals === undefined || at >= text.length) {
      if (whole === '') at++
      continue
    }
    const quote = text[at] === '"' || text[at] === "'" ? text[at]! : undefined
    const start = quote ? at + 1 : at
    const end = quote ? text.indexOf(quote, start) : start + text.slice(start).search(/[\s>]|$/)
    if (end < 0) return undefined
    if (linkAttributes[name]?.includes(key?.toLowerCase() ?? '')) links.push({ start, end })
    at = quote ? end + 1 : end
  }
  return undefined
}

function withLinks(text: string, offset: number, { links }: StartTag, rewrite: (link: string) => string): string {
  let written = ''
  let from = 0
  for (const { start, end } of links) {
    written += text.slice(from, start - offset) + rewrite(text.slice(start - offset, end - offset))
    from = end - offset
  }
  return written + text.slice(from)
}
