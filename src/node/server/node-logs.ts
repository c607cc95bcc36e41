import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { openBelow } from '../../platform/open-below.ts'
import { NotServed } from './log-options.ts'

/**
 * `/logs/PATH`: the node's log directory, to read. No link is followed, whoever made it: a pod that writes below the directory must not
 * be able to show other files of the machine.
 */
export async function serveLogDirectory(root: string, path: string, response: ServerResponse): Promise<void> {
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.some((part) => part === '.' || part === '..')) throw new NotServed(400, 'invalid URL path')
  const place = await openBelow(root, parts).catch(() => {
    throw new NotServed(404, '404 page not found')
  })
  try {
    if (place.isDirectory) return await sendListing(place.path, path, response)
    // Who opens a pipe waits for its other end.
    if (!(await stat(place.path)).isFile()) throw new NotServed(404, '404 page not found')
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
    await pipeline(createReadStream(place.path), response)
  } finally {
    await place.close()
  }
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => escapes[c]!)

/** As Go's file server lists a directory. */
async function sendListing(directory: string, path: string, response: ServerResponse): Promise<void> {
  if (!path.endsWith('/')) {
    response.writeHead(301, { location: `${path.split('/').at(-1) ?? ''}/` })
    return void response.end()
  }
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort()
  const lines = names.map((name) => `<a href="${encodeURI(name).replace(/[?#]/g, encodeURIComponent)}">${escapeHtml(name)}</a>`)
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${lines.join('\n')}\n</pre>\n`)
}
