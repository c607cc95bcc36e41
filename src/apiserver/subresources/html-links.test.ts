import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rewriteLinks } from './html-links.ts'
import { type ProxiedPlace, throughProxy } from './proxied-answer.ts'

async function rewritten(page: string, blockBytes: number): Promise<string> {
  const bytes = Buffer.from(page)
  async function* blocks() {
    for (let at = 0; at < bytes.length; at += blockBytes) yield bytes.subarray(at, at + blockBytes)
  }
  const out: Uint8Array[] = []
  for await (const block of rewriteLinks(blocks(), (link) => `[${link}]`)) out.push(block)
  return Buffer.concat(out).toString()
}

function check(title: string, page: string, expected: string): void {
  test(title, async () => {
    for (const blockBytes of [1, 3, 7, 4096]) assert.equal(await rewritten(page, blockBytes), expected, `blocks of ${blockBytes} bytes`)
  })
}

check('a link in double quotes', '<p>é <a class="x" href="/go?a=1&amp;b=2">go</a>', '<p>é <a class="x" href="[/go?a=1&amp;b=2]">go</a>')
check('in single quotes, bare, in capitals', `<IMG SRC='/a>b'><a href=/b>`, `<IMG SRC='[/a>b]'><a href=[/b]>`)
check('several of one element', '<iframe src="/a" longdesc = "/b"></iframe>', '<iframe src="[/a]" longdesc = "[/b]"></iframe>')
check('an apostrophe in a bare value begins nothing', `<p title=it's><a href="/c">`, `<p title=it's><a href="[/c]">`)
check('an attribute without a value, a tag that closes itself', '<link async href="/d"/><br/>', '<link async href="[/d]"/><br/>')
check(
  'attributes and elements that hold no link',
  '<p href="/a" data-href="/b"><a title="/c">',
  '<p href="/a" data-href="/b"><a title="/c">',
)
check('a comment', '<!-- <a href="/a"> --><a href="/b">', '<!-- <a href="/a"> --><a href="[/b]">')
check(
  'a script and what follows',
  `<script src="/s">'<a href="/a">'</SCRIPT><a href="/b">`,
  `<script src="[/s]">'<a href="/a">'</SCRIPT><a href="[/b]">`,
)
check('signs that open nothing', 'a < b <3 <', 'a < b <3 <')
check('a page that ends in a tag', '<a href="/a', '<a href="/a')

test('a tag that never ends is passed on before the page does', async () => {
  const page = `<a href="/${'x'.repeat(200_000)}`
  assert.equal(await rewritten(page, 16_384), page)
})

const place: ProxiedPlace = { prefix: '/api/v1/namespaces/n/pods/p:80/proxy', backendHost: '10.244.0.5:80', clientHost: 'k8s:6443' }
const links: readonly (readonly [link: string, expected: string])[] = [
  ['/a', `${place.prefix}/a`],
  ['/', `${place.prefix}/`],
  ['/a/../b/?x=/y#z', `${place.prefix}/b/?x=/y#z`],
  ['http://10.244.0.5:80/a', `${place.prefix}/a`],
  ['https://k8s:6443/a', `https://k8s:6443${place.prefix}/a`],
  [`${place.prefix}/a`, `${place.prefix}/a`],
  ['http://example.com/a', 'http://example.com/a'],
  ['//example.com/a', '//example.com/a'],
  ['a/b', 'a/b'],
  ['?x', '?x'],
  ['#x', '#x'],
  ['mailto:a@example.com', 'mailto:a@example.com'],
  ['', ''],
]
for (const [link, expected] of links) test(`the link ${JSON.stringify(link)}`, () => assert.equal(throughProxy(link, place), expected))
