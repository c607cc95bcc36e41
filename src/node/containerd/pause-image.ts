import { type ImageArchitecture, type OciImage, ociImage } from './oci-image.ts'

/**
 * The image of a pod's first process: it holds the pod's namespaces and reaps orphans, nothing else. Written as machine code
 * here so that a node needs neither a registry nor a compiler for it.
 *
 * The program: ignore SIGCHLD (the kernel then reaps children itself), block SIGTERM and SIGINT, wait for either with
 * rt_sigtimedwait, exit 0. Blocked rather than handled: a blocked signal is queued even for process 1, and no handler is needed.
 */
export function pauseImage(architecture: ImageArchitecture): OciImage {
  return ociImage({
    architecture,
    layers: [[{ type: 'file', path: 'pause', mode: 0o755, content: pauseElf(architecture) }]],
    config: { Entrypoint: ['/pause'], User: '65535:65535' },
  })
}

/** `localhost/` keeps an engine that lost the image from asking any registry on the internet for it. */
export const pauseImageName = 'localhost/keelson/pause:1'

const loadAddress = 0x400000
const headerBytes = 64 + 56
const signals = { interrupt: 2, terminate: 15, child: 17 } as const
const exclusiveSet = (1 << (signals.terminate - 1)) | (1 << (signals.interrupt - 1))

/** A static ELF executable of one read-execute segment: headers, code, then the two constants that the code points to. */
export function pauseElf(architecture: ImageArchitecture): Buffer {
  const codeBytes = codeOf[architecture](0, 0).length
  // struct sigaction wants 8-byte alignment.
  const dataOffset = Math.ceil((headerBytes + codeBytes) / 8) * 8
  const action = Buffer.alloc(32)
  action.writeBigUInt64LE(1n)
  const set = Buffer.alloc(8)
  set.writeUInt32LE(exclusiveSet)
  const code = codeOf[architecture](loadAddress + dataOffset, loadAddress + dataOffset + action.length)
  const padding = Buffer.alloc(dataOffset - headerBytes - codeBytes)
  const body = Buffer.concat([code, padding, action, set])
  return Buffer.concat([elfHeader(architecture), programHeader(headerBytes + body.length), body])
}

const codeOf: Record<ImageArchitecture, (actionAddress: number, setAddress: number) => Buffer> = { amd64: amd64Code, arm64: arm64Code }

function amd64Code(actionAddress: number, setAddress: number): Buffer {
  const immediate = (opcode: readonly number[], value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return [...opcode, ...bytes]
  }
  const eax = (value: number) => immediate([0xb8], value)
  const edi = (value: number) => immediate([0xbf], value)
  const esi = (value: number) => immediate([0xbe], value)
  const r10 = (value: number) => immediate([0x41, 0xba], value)
  const zeroEdx = [0x31, 0xd2]
  const syscall = [0x0f, 0x05]
  const start = [
    ...[...eax(13), ...edi(signals.child), ...esi(actionAddress), ...zeroEdx, ...r10(8), ...syscall],
    ...[...eax(14), ...edi(0), ...esi(setAddress), ...zeroEdx, ...syscall],
  ]
  const zeroEsi = [0x31, 0xf6]
  const testEax = [0x85, 0xc0]
  const wait = [...eax(128), ...edi(setAddress), ...zeroEsi, ...zeroEdx, ...syscall, ...testEax]
  // js back to the start of the wait: an interrupted wait returns a negative number.
  const loop = [...wait, 0x78, 256 - (wait.length + 2)]
  const exit = [...eax(60), ...edi(0), ...syscall]
  return Buffer.from([...start, ...loop, ...exit])
}

function arm64Code(actionAddress: number, setAddress: number): Buffer {
  const base = loadAddress + headerBytes
  const mov = (register: number, value: number) => 0xd2800000 | (value << 5) | register
  /** `adr register, address`, as the instruction at `index`. */
  const adr = (index: number, register: number, address: number) => {
    const distance = address - (base + index * 4)
    return 0x10000000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5) | register
  }
  const svc = 0xd4000001
  const start = [
    ...[mov(8, 134), mov(0, signals.child), adr(2, 1, actionAddress), mov(2, 0), mov(3, 8), svc],
    ...[mov(8, 135), mov(0, 0), adr(8, 1, setAddress), mov(2, 0), svc],
  ]
  const wait = [mov(8, 137), adr(start.length + 1, 0, setAddress), mov(1, 0), mov(2, 0), svc]
  // tbnz w0, #31, back to the start of the wait: an interrupted wait returns a negative number.
  const loop = [...wait, 0x37f80000 | ((-wait.length & 0x3fff) << 5)]
  const words = [...start, ...loop, mov(8, 93), mov(0, 0), svc]
  const code = Buffer.alloc(words.length * 4)
  words.forEach((word, index) => code.writeUInt32LE(word >>> 0, index * 4))
  return code
}

function elfHeader(architecture: ImageArchitecture): Buffer {
  const header = Buffer.alloc(64)
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header)
  header.writeUInt16LE(2, 16)
  header.writeUInt16LE(architecture === 'amd64' ? 62 : 183, 18)
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(BigInt(loadAddress + headerBytes), 24)
  header.writeBigUInt64LE(64n, 32)
  header.writeUInt16LE(64, 52)
  header.writeUInt16LE(56, 54)
  header.writeUInt16LE(1, 56)
  return header
}

function programHeader(fileBytes: number): Buffer {
  const header = Buffer.alloc(56)
  header.writeUInt32LE(1, 0)
  header.writeUInt32LE(5, 4)
  header.writeBigUInt64LE(BigInt(loadAddress), 16)
  header.writeBigUInt64LE(BigInt(loadAddress), 24)
  header.writeBigUInt64LE(BigInt(fileBytes), 32)
  header.writeBigUInt64LE(BigInt(fileBytes), 40)
  header.writeBigUInt64LE(0x1000n, 48)
  return header
}
