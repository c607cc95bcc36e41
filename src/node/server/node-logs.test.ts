import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { NotServed } from './log-options.ts'
import { serveLogDirectory } from './node-logs.ts'

const root = mkdtempSync(join(tmpdir(), 'keelson-logs-'))
let server: Server

before(async () => {
  mkdirSync(join(root, 'pods', 'a<b'), { recursive: true })
  writeFileSync(join(root, 'pods', 'one.log'), 'line\n')
  writeFileSync(join(root, '..', `${root.split('/').at(-1)}-secret`), 'secret')
  symlinkSync('/etc/hostname', join(root, 'pods', 'link.log'))
  symlinkSync('/etc', join(root, 'etc'))
  server = createServer((request, response) => {
    void serveLogDirectory(root, decodeURIComponent(request.url ?? ''), response).catch((error: unknown) => {
      response.writeHead(error instanceof NotServed ? error.code : 500)
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(() => {
  server.close()
  rmSync(root, { recursive: true, force: true })
  rmSync(`${root}-secret`, { force: true })
})

async function check(path: string, code: number, body?: string): Promise<void> {
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' })
  const text = await response.text()
  assert.equal(response.status, code, path)
  if (body !== undefined) assert.ok(text.includes(body), text)
}

test('files are shown, and directories listed', async () => {
  await check('/pods/one.log', 200, 'line\n')
  await check('/', 200, '<a href="pods/">pods/</a>')
  await check('/pods/', 200, '<a href="a%3Cb/">a&lt;b/</a>')
  await check('/pods', 301)
})

test('nothing beside the directory is shown, by no name and no link', async () => {
  await check(`/%2e%2e%2f${root.split('/').at(-1)}-secret`, 400)
  await check('/pods/link.log', 404)
  await check('/etc/hostname', 404)
  await check('/none', 404)
})
