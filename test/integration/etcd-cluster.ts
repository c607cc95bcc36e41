/** A real etcd of several members on random loopback ports, in a folder of /tmp; every member is ended by its pid. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

export type EtcdCluster = {
  /** Client addresses, `host:port` each. */
  readonly endpoints: readonly string[]
  /** SIGKILL, and what is written stays. */
  kill(member: number): Promise<void>
  restart(member: number): Promise<void>
  /** As a partition that cuts the member off from all others: it lives and says nothing. */
  pause(member: number): void
  resume(member: number): void
  /** The member that leads, as it says itself; waits while an election is under way. A member that was cut off starts one when it is back. */
  leader(): Promise<number>
  close(): Promise<void>
}

export type EtcdTls = { readonly ca: string; readonly certificate: string; readonly key: string }

/** Where a member runs instead of on loopback: what to put before its command, and its address there. */
export type EtcdPlace = { readonly enter: readonly string[]; readonly address: string }

/** `tls`: paths of PEM files; the members then demand a client's certificate. `places`: one a member. */
export async function startEtcdCluster(options: { members: number; tls?: EtcdTls; places?: readonly EtcdPlace[] }): Promise<EtcdCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'keelson-etcd-'))
  const ports = await freePorts(options.members * 2)
  const scheme = options.tls ? 'https' : 'http'
  const members = Array.from({ length: options.members }, (_, i) => ({
    name: `m${i}`,
    address: options.places?.[i]?.address ?? '127.0.0.1',
    client: `${scheme}://${options.places?.[i]?.address ?? '127.0.0.1'}:${ports[i * 2]}`,
    peer: `http://${options.places?.[i]?.address ?? '127.0.0.1'}:${ports[i * 2 + 1]}`,
    process: undefined as ChildProcess | undefined,
  }))
  const start = async (i: number) => {
    const member = members[i]!
    const [command, ...before] = [...(options.places?.[i]?.enter ?? []), 'etcd']
    const child = spawn(
      command!,
      [
        ...before,
        ...['--name', member.name, '--data-dir', join(dir, member.name)],
        ...['--listen-client-urls', member.client, '--advertise-client-urls', member.client],
        ...['--listen-peer-urls', member.peer, '--initial-advertise-peer-urls', member.peer],
        ...['--initial-cluster', members.map((m) => `${m.name}=${m.peer}`).join(','), '--initial-cluster-state', 'new'],
        ...['--heartbeat-interval', '50', '--election-timeout', '500', '--log-level', 'error', '--snapshot-count', '10000'],
        ...(options.tls
          ? [
              '--cert-file',
              options.tls.certificate,
              '--key-file',
              options.tls.key,
              '--trusted-ca-file',
              options.tls.ca,
              '--client-cert-auth',
            ]
          : []),
      ],
      { stdio: 'ignore', env: { PATH: process.env.PATH, ETCD_UNSUPPORTED_ARCH: process.arch } },
    )
    member.process = child
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error) => reject(new Error('etcd cannot be started: scripts/setup-tests.sh installs it', { cause: error })))
    })
  }
  const kill = async (i: number) => {
    const child = members[i]!.process
    members[i]!.process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  await Promise.all(members.map((_, i) => start(i)))
  await Promise.all(members.map((_, i) => untilListening(members[i]!.address, ports[i * 2]!)))
  return {
    endpoints: members.map(({ address }, i) => `${address}:${ports[i * 2]}`),
    kill,
    restart: async (i) => {
      await kill(i)
      await start(i)
      await untilListening(members[i]!.address, ports[i * 2]!)
    },
    pause: (i) => void members[i]!.process?.kill('SIGSTOP'),
    resume: (i) => void members[i]!.process?.kill('SIGCONT'),
    leader: async () => {
      for (let attempt = 0; attempt < 40; attempt++) {
        const leads = await Promise.all(members.map(({ client }) => saysItLeads(client)))
        if (leads.includes(true)) return leads.indexOf(true)
        await setTimeout(100)
      }
      throw new Error('no member of etcd leads')
    },
    close: async () => {
      for (const member of members) member.process?.kill('SIGCONT')
      await Promise.all(members.map((_, i) => kill(i)))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function saysItLeads(client: string): Promise<boolean> {
  const args = ['-s', '-m', '2', '-d', '{}', `${client}/v3/maintenance/status`]
  const said = await new Promise<string>((resolve) => execFile('curl', args, (_, stdout) => resolve(stdout)))
  const status = JSON.parse(said || '{}') as { header?: { member_id?: string }; leader?: string }
  return status.leader !== undefined && status.leader === status.header?.member_id
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Bounded: a member that does not listen in time is a failure. */
async function untilListening(address: string, port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isListening = await new Promise<boolean>((resolve) => {
      const socket = connect(port, address, () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (isListening) return
    await setTimeout(50)
  }
  throw new Error(`no etcd member listens on ${address}:${port}`)
}
