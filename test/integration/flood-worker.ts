/** A client that floods: sends all its lists at once over a few HTTP/2 connections, and says how each was answered. */
import { connect } from 'node:http2'
import { parentPort, workerData } from 'node:worker_threads'

export type Flood = {
  readonly server: string
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly path: string
  readonly connections: number
  readonly requests: number
}

/** The forms that clients ask for: mostly stored bytes, now and then messages or rows, which cost ten times as much. */
const acceptOf = (nth: number) =>
  nth % 10 === 0
    ? 'application/vnd.kubernetes.protobuf,application/json'
    : nth % 10 === 1
      ? 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
      : 'application/json'

const { server, tls, path, connections, requests } = workerData as Flood
const codes: Record<string, number> = {}
await Promise.all(
  Array.from({ length: connections }, async (_, connection) => {
    const session = connect(server, tls)
    session.on('error', () => {})
    // Before it knows how many streams it may open, this client opens them all, and is cut off.
    await new Promise((resolve) => session.once('remoteSettings', resolve))
    const share = Math.floor(requests / connections)
    await Promise.all(Array.from({ length: share }, (_unused, i) => list(i + connection)))
    session.close()

    function list(nth: number): Promise<void> {
      return new Promise((resolve) => {
        const stream = session.request({ ':path': path, accept: acceptOf(nth) })
        let code = 0
        stream.on('response', (headers) => (code = Number(headers[':status'])))
        stream.on('data', () => {})
        stream.on('error', () => {})
        stream.on('close', () => {
          codes[code] = (codes[code] ?? 0) + 1
          resolve()
        })
        stream.end()
      })
    }
  }),
)
parentPort!.postMessage(codes)
