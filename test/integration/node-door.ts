import { request } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import type { NodeDoor } from '../../src/node/node-agent.ts'

/** The API of a node in this process, asked without a socket. */
export function nodeDoor(): { readonly door: NodeDoor; get(path: string): Promise<{ readonly code: number; readonly body: string }> } {
  let serve: ((connection: Duplex) => void) | undefined
  return {
    door: {
      port: 10_250,
      open: (accept) => {
        serve = accept
        return () => (serve = undefined)
      },
    },
    get: (path) =>
      new Promise((resolve, reject) => {
        const createConnection = () => {
          const [near, far] = duplexPair()
          serve?.(far)
          return near
        }
        const sent = request({ path, createConnection }, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
        })
        sent.once('error', reject)
        sent.end()
      }),
  }
}
