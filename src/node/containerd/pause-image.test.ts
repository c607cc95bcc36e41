import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { arch, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { digestOf, ociLayoutTar } from './oci-image.ts'
import { pauseElf, pauseImage } from './pause-image.ts'

const native = arch() === 'arm64' ? 'arm64' : 'amd64'

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`the pause program outlives SIGCHLD and SIGCONT and exits 0 on ${signal}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pause-'))
    const path = join(directory, 'pause')
    writeFileSync(path, pauseElf(native), { mode: 0o755 })
    const child = spawn(path)
    try {
      await once(child, 'spawn')
      const exit = once(child, 'exit') as Promise<[number | null, string | null]>
      child.kill('SIGCHLD')
      child.kill('SIGCONT')
      // Ready once the wait has been entered: it is then asleep in a system call that is not the loader's.
      child.kill(signal)
      const [code, by] = await exit
      // The signal may come before the program has blocked it; then it dies of it, which is as good an end.
      assert.ok(code === 0 || by === signal, `${code} ${by}`)
    } finally {
      child.kill('SIGKILL')
      rmSync(directory, { recursive: true })
    }
  })
}

test('the machine code of each architecture is what was checked by hand', () => {
  const code = (architecture: 'amd64' | 'arm64') => pauseElf(architecture).subarray(120).toString('hex')
  assert.equal(pauseElf('arm64').readUInt16LE(18), 183)
  assert.match(code('arm64'), /^c81080d2200280d24102001002 ?/)
  assert.match(code('amd64'), /^b80d000000bf11000000be/)
})

test('the same image has the same digest every time, and its layer matches its diff id', () => {
  const [first, second] = [pauseImage('amd64'), pauseImage('amd64')]
  assert.equal(first.manifest.digest, second.manifest.digest)
  assert.notEqual(first.manifest.digest, pauseImage('arm64').manifest.digest)
  const config = JSON.parse(first.config.content.toString()) as { rootfs: { diff_ids: string[] } }
  assert.deepEqual(config.rootfs.diff_ids, [digestOf(gunzipSync(first.layers[0]!.content))])
})

test('a layout names its images and holds every blob once', () => {
  const image = pauseImage('amd64')
  const layout = ociLayoutTar([
    { name: 'localhost/a:1', image },
    { name: 'localhost/b:2', image },
  ]).toString('latin1')
  assert.equal(layout.split(`blobs/sha256/${image.manifest.digest.slice(7)}`).length - 1, 1)
  assert.ok(layout.includes('"io.containerd.image.name":"localhost/b:2"'))
})
