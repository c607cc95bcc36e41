/** What goes wrong between loops and the API server: refused, lost and half-lost requests, watches that lag, end or expire. */
import { type Clock, sleep } from '../../src/base/clock.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { Client, ResourceClient, WatchEvent, WatchOptions } from '../../src/client/contract.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { type StatusError, statusErrors } from '../../src/machinery/status-error.ts'

/** Chances in [0, 1]; an absent one is 0. */
export type FaultRates = {
  /** A write of an existing object is refused with 409, as if somebody had been faster. */
  readonly conflict?: number
  /** A write fails and has not happened (500, 503 or a timeout). */
  readonly before?: number
  /** A write has happened, its answer is lost (500 or a timeout). */
  readonly after?: number
  /** A get or list fails. */
  readonly read?: number
  /** For every event: the watch ends, breaks, or expires (410) before it. */
  readonly watch?: number
  /** For every event: it is late by up to 2 s, and those behind it with it. */
  readonly lag?: number
}

export type Faults = {
  wrap(client: Client): Client
  /** From now on everything works. */
  stop(): void
  /** How many faults of each sort struck. */
  readonly struck: ReadonlyMap<string, number>
}

export function createFaults(options: { readonly seed: number; readonly clock: Clock; readonly rates: FaultRates }): Faults {
  const { clock, rates } = options
  const random = seededRandom(options.seed)
  const struck = new Map<string, number>()
  let isOn = true
  const strikes = (sort: keyof FaultRates) => {
    if (!isOn || random.next() >= (rates[sort] ?? 0)) return false
    struck.set(sort, (struck.get(sort) ?? 0) + 1)
    return true
  }
  const refusal = (mayConflict: boolean): Error | undefined => {
    if (mayConflict && strikes('conflict')) return statusErrors.staleVersion({ group: '', resource: 'simulated' }, 'simulated')
    return strikes('before') ? failure(random) : undefined
  }
  const write = async <T>(perform: () => Promise<T>, mayConflict: boolean): Promise<T> => {
    const refused = refusal(mayConflict)
    if (refused) throw refused
    const result = await perform()
    if (strikes('after')) throw failure(random)
    return result
  }
  /** Each write of a batch meets its own fate. */
  const createBatch = (perform: NonNullable<Client['createBatch']>): typeof perform => {
    return async (writes, more) => {
      const refused = writes.map(({ subresource }) => refusal(subresource !== ''))
      const answers = (
        await perform(
          writes.filter((_, i) => refused[i] === undefined),
          more,
        )
      ).values()
      return refused.map((reason) => {
        if (reason !== undefined) return { status: 'rejected', reason }
        const answer = answers.next().value!
        return strikes('after') ? { status: 'rejected', reason: failure(random) } : answer
      })
    }
  }
  const read = async <T>(perform: () => Promise<T>): Promise<T> => {
    if (strikes('read')) throw failure(random)
    return perform()
  }
  const events = async function* <T>(resource: ResourceClient<T & KubeObject>, watch: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    for await (const event of resource.watch(watch)) {
      if (strikes('lag')) await sleep(clock, random.below(2000), watch.signal)
      if (strikes('watch')) {
        const sort = random.below(3)
        if (sort === 0) return
        if (sort === 1) throw statusErrors.serviceUnavailable('simulated: the connection was cut')
        throw statusErrors.expired('simulated: too old resource version')
      }
      yield event
    }
  }
  return {
    struck,
    stop: () => {
      isOn = false
    },
    wrap: (client) => ({
      raw: (request) => client.raw(request),
      ...(client.createBatch ? { createBatch: createBatch((writes, more) => client.createBatch!(writes, more)) } : {}),
      resource: (kind, namespace) => {
        const resource = client.resource(kind, namespace)
        return {
          get: (name, more) => read(() => resource.get(name, more)),
          list: (more) => read(() => resource.list(more)),
          watch: (more) => events(resource, more),
          create: (object, more) => write(() => resource.create(object, more), false),
          update: (object, more) => write(() => resource.update(object, more), true),
          updateStatus: (object, more) => write(() => resource.updateStatus(object, more), true),
          patch: (name, patch, more) => write(() => resource.patch(name, patch, more), true),
          apply: (object, more) => write(() => resource.apply(object, more), true),
          delete: (name, more) => write(() => resource.delete(name, more), true),
          deleteCollection: (more) => write(() => resource.deleteCollection(more), false),
          subresource: (name, subresource, body, more) => {
            const perform = () => resource.subresource<typeof body, never>(name, subresource, body, more)
            return more?.method === 'GET' ? read(perform) : write(perform, true)
          },
        }
      },
    }),
  }
}

function failure(random: Random): StatusError | Error {
  switch (random.below(3)) {
    case 0:
      return statusErrors.internal(new Error('simulated'))
    case 1:
      return statusErrors.timeout('simulated: request did not complete', 0)
    default:
      return statusErrors.serviceUnavailable('simulated: connection refused')
  }
}

/** Passes every call on to the client of the moment, and fails those that are asked or answered while `isDead`. */
export function gatedClient(options: {
  readonly current: () => Client | undefined
  readonly isDead: () => boolean
  /** After every write that has happened, with its verb, kind and name. */
  readonly onWrite?: (what: string) => void
}): Client {
  const { current, isDead, onWrite = () => {} } = options
  const gone = () => statusErrors.serviceUnavailable('simulated: the server is gone')
  const open = () => {
    const client = current()
    if (!client || isDead()) throw gone()
    return client
  }
  const answered = async <T>(perform: (client: Client) => Promise<T>, write?: string): Promise<T> => {
    const result = await perform(open())
    if (write !== undefined) onWrite(write)
    if (isDead()) throw gone()
    return result
  }
  return {
    raw: (request) => answered((client) => client.raw(request)),
    createBatch: (writes, more) =>
      answered((client) => client.createBatch!(writes, more), writes.map((w) => `create ${w.kind.kind} ${w.name}`).join()),
    resource: <T extends KubeObject>(kind: Parameters<Client['resource']>[0], namespace?: string): ResourceClient<T> => {
      type Perform<R> = (resource: ResourceClient<T>) => Promise<R>
      const on = (client: Client) => client.resource(kind, namespace) as unknown as ResourceClient<T>
      const read = <R>(perform: Perform<R>) => answered((client) => perform(on(client)))
      const write = <R>(verb: string, name: string | undefined, perform: Perform<R>) =>
        answered((client) => perform(on(client)), `${verb} ${kind.kind} ${namespace ?? ''}/${name ?? ''}`)
      return {
        get: (name, more) => read((r) => r.get(name, more)),
        list: (more) => read((r) => r.list(more)),
        watch: async function* (more) {
          for await (const event of (open().resource(kind, namespace) as unknown as ResourceClient<T>).watch(more)) {
            if (isDead()) throw gone()
            yield event
          }
        },
        create: (object, more) => write('create', object.metadata.name, (r) => r.create(object, more)),
        update: (object, more) => write('update', object.metadata.name, (r) => r.update(object, more)),
        updateStatus: (object, more) => write('update status', object.metadata.name, (r) => r.updateStatus(object, more)),
        patch: (name, patch, more) => write(`patch ${more?.subresource ?? ''}`, name, (r) => r.patch(name, patch, more)),
        apply: (object, more) => write('apply', object.metadata.name, (r) => r.apply(object, more)),
        delete: (name, more) => write('delete', name, (r) => r.delete(name, more)),
        deleteCollection: (more) => write('delete all', '', (r) => r.deleteCollection(more)),
        subresource: (name, subresource, body, more) => {
          const perform: Perform<never> = (r) => r.subresource(name, subresource, body, more)
          return more?.method === 'GET' ? read(perform) : write(subresource, name, perform)
        },
      }
    },
  }
}
