import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connectionErrorText, hostPort } from '../../machinery/connection-error.ts'
import { NotServed } from './log-options.ts'
import { joinPipes } from './port-forward.ts'

const connectTimeoutMs = 10_000

/**
 * `/dial/ADDRESS/PORT` with `Upgrade: tcp`: from then on bytes pass both ways between the caller and a pod of this node. It is how an API
 * server that is not on the pod network reaches pods. Throws NotServed 404 for an address that is no pod's here, 502 when nobody
 * takes the connection.
 */
export async function servePodDial(
  { socket, head, address, port }: { readonly socket: Duplex; readonly head: Buffer; readonly address: string; readonly port: number },
  podAddresses: () => Iterable<string>,
): Promise<void> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new NotServed(400, `invalid port ${port}`)
  if (![...podAddresses()].includes(address)) throw new NotServed(404, `no pod of this node has the address ${address}`)
  const target = await dialed(address, port)
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
  if (head.length > 0) target.write(head)
  await joinPipes(socket, target)
}

function dialed(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      target.destroy()
      reject(new NotServed(502, why))
    }
    const target = connect({ host, port })
    target.setTimeout(connectTimeoutMs, () => fail(`dial tcp ${hostPort(host, port)}: i/o timeout`))
    target.once('error', (error) => fail(connectionErrorText(error)))
    target.once('connect', () => {
      target.setTimeout(0)
      target.removeAllListeners('error')
      target.on('error', () => target.destroy())
      resolve(target)
    })
  })
}
