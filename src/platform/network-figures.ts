import { readFileSync } from 'node:fs'

export type InterfaceFigures = {
  readonly name: string
  readonly receivedBytes: number
  readonly receivedPackets: number
  readonly receiveErrors: number
  readonly receiveDrops: number
  readonly sentBytes: number
  readonly sentPackets: number
  readonly sendErrors: number
  readonly sendDrops: number
}

/** What has gone through the interfaces that a process sees, from /proc/PID/net/dev; empty when it is gone. */
export function readNetworkFigures(process: number | 'self'): InterfaceFigures[] {
  try {
    return parseNetworkFigures(readFileSync(`/proc/${process}/net/dev`, 'utf8'))
  } catch {
    return []
  }
}

/** Interfaces of which nobody asks: the loopback, and the host's ends of pods' links. */
const unaskedPrefixes = ['lo', 'veth', 'docker', 'nerdctl']

/** Pure. */
export function parseNetworkFigures(text: string): InterfaceFigures[] {
  return text.split('\n').flatMap((line) => {
    const [, name = '', rest = ''] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? []
    if (name === '' || unaskedPrefixes.some((prefix) => name.startsWith(prefix))) return []
    const [receivedBytes = 0, receivedPackets = 0, receiveErrors = 0, receiveDrops = 0, , , , , ...sent] = rest
      .trim()
      .split(/\s+/)
      .map(Number)
    const [sentBytes = 0, sentPackets = 0, sendErrors = 0, sendDrops = 0] = sent
    return [{ name, receivedBytes, receivedPackets, receiveErrors, receiveDrops, sentBytes, sentPackets, sendErrors, sendDrops }]
  })
}
