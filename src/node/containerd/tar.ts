/** A file of a tar archive. Order is kept; owner is root unless given; times are the epoch, so equal input gives equal bytes. */
export type TarEntry = {
  /** Relative, without a leading slash; at most 255 bytes (ustar's prefix and name). */
  readonly path: string
  readonly mode: number
  readonly uid?: number
  readonly gid?: number
} & (
  | { readonly type: 'file'; readonly content: Uint8Array }
  | { readonly type: 'directory' }
  | { readonly type: 'symlink' | 'hardlink'; readonly target: string }
)

const blockBytes = 512
const typeFlags = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const

/** A POSIX ustar archive of the entries. Long names and link targets use pax records. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts: Buffer[] = []
  for (const entry of entries) {
    const path = entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path
    const target = 'target' in entry ? entry.target : ''
    const records = [
      ...(Buffer.byteLength(path) > 100 ? [paxRecord('path', path)] : []),
      ...(Buffer.byteLength(target) > 100 ? [paxRecord('linkpath', target)] : []),
    ]
    if (records.length > 0) {
      const content = Buffer.from(records.join(''))
      parts.push(header({ path: 'pax', target: '', mode: 0o644, uid: 0, gid: 0, size: content.length, flag: 'x' }), padded(content))
    }
    const content = entry.type === 'file' ? entry.content : new Uint8Array()
    const { mode, uid = 0, gid = 0 } = entry
    parts.push(header({ path, target, mode, uid, gid, size: content.length, flag: typeFlags[entry.type] }), padded(content))
  }
  parts.push(Buffer.alloc(2 * blockBytes))
  return Buffer.concat(parts)
}

type Header = {
  readonly path: string
  readonly target: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly flag: string
}

function header({ path, target, mode, uid, gid, size, flag }: Header): Buffer {
  const block = Buffer.alloc(blockBytes)
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'ascii')
  Buffer.from(path).copy(block, 0, 0, 100)
  octal(mode & 0o7777, 100, 8)
  octal(uid, 108, 8)
  octal(gid, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  block.write('        ', 148, 'ascii')
  block.write(flag, 156, 'ascii')
  Buffer.from(target).copy(block, 157, 0, 100)
  block.write('ustar\0' + '00', 257, 'ascii')
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii')
  return block
}

/** `LENGTH key=value\n`, where LENGTH counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  let length = bytes + String(bytes).length
  if (String(length).length + bytes !== length) length++
  return `${length}${rest}`
}

function padded(content: Uint8Array): Buffer {
  const rest = content.length % blockBytes
  return Buffer.concat(rest === 0 ? [content] : [content, Buffer.alloc(blockBytes - rest)])
}
