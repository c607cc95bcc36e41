import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

/**
 * A process inside a network namespace that serves and calls: TCP and UDP servers that answer "NAME CLIENT-ADDRESS", and calls
 * on command. One process a namespace, driven over Node's IPC.
 */
export type Actor = {
  /** What the server there answered; 'refused', 'reset' or 'timeout' when it did not. */
  call(protocol: 'tcp' | 'udp', host: string, port: number, options?: { localPort?: number }): Promise<string>
  close(): Promise<void>
}

type Request = { id: number; protocol: 'tcp' | 'udp'; host: string; port: number; localPort?: number }
const answerWithinMs = 700

export async function startActor(options: {
  readonly namespace: string
  readonly name: string
  readonly ports: readonly number[]
}): Promise<Actor> {
  const environment: NodeJS.ProcessEnv = { ...process.env }
  delete environment.NODE_TEST_CONTEXT
  const args = [
    `--net=/run/netns/${options.namespace}`,
    '--',
    process.execPath,
    fileURLToPath(import.meta.url),
    options.name,
    ...options.ports.map(String),
  ]
  const child: ChildProcess = spawn('nsenter', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: environment })
  const waiting = new Map<number, (answer: string) => void>()
  let next = 0
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`actor ${options.name} ended with ${code}`)))
    child.on('message', (message: { ready?: true; id: number; answer: string }) => {
      if (message.ready) resolve()
      else waiting.get(message.id)?.(message.answer)
    })
  })
  return {
    call: (protocol, host, port, { localPort } = {}) =>
      new Promise((resolve) => {
        const id = next++
        waiting.set(id, (answer) => {
          waiting.delete(id)
          resolve(answer)
        })
        child.send({ id, protocol, host, port, ...(localPort ? { localPort } : {}) } satisfies Request)
      }),
    close: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit')
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}

export function callTcp(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host, port })
    const timer = setTimeout(() => finish('timeout'), answerWithinMs)
    const finish = (answer: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (chunk) => (text += chunk))
    socket.once('end', () => finish(text))
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED' ? 'refused' : String(error.code)))
  })
}

function callUdp(host: string, port: number, localPort: number | undefined): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const timer = setTimeout(() => finish('timeout'), answerWithinMs)
    const finish = (answer: string) => {
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    socket.once('message', (message) => finish(message.toString()))
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED' ? 'refused' : String(error.code)))
    socket.bind(localPort ?? 0, () => {
      // Connected, so that an ICMP error comes back as one.
      socket.connect(port, host, () => socket.send('?'))
    })
  })
}

async function act(name: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer((socket) => socket.on('error', () => {}).end(`${name} ${socket.remoteAddress!.replace('::ffff:', '')}`))
    await new Promise<void>((resolve) => server.listen(port, '0.0.0.0', resolve))
    const datagrams = createSocket('udp4')
    datagrams.on('message', (_message, from) => datagrams.send(`${name} ${from.address}`, from.port, from.address))
    await new Promise<void>((resolve) => datagrams.bind(port, '0.0.0.0', resolve))
  }
  process.on('message', ({ id, protocol, host, port, localPort }: Request) => {
    void (protocol === 'tcp' ? callTcp(host, port) : callUdp(host, port, localPort)).then((answer) => process.send!({ id, answer }))
  })
  process.on('disconnect', () => process.exit(0))
  process.send!({ ready: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await act(process.argv[2]!, process.argv.slice(3).map(Number))
