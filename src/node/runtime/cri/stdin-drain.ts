import { constants, openSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { GrpcCaller } from '../../../platform/grpc-caller.ts'

export type StdinDrainOptions = {
  readonly caller: GrpcCaller
  /** Of containerd's CRI plugin: `containers/ID/io` in it has the pipes of a container's processes. */
  readonly stateDirectory: string
  readonly containerId: string
}

type Envelope = { readonly event: { readonly value: Uint8Array } | null }
type TaskExit = { readonly containerId: string; readonly id: string }

/**
 * Until the signal aborts, lets sessions of a container end whose process has not read all that it was sent. containerd tells how a process
 * ended only after the last byte sent to it is written, and its shim holds the reading end of the process's own pipe (seen in 1.6): nobody
 * reads any more, and no writer is told. So what lies there is read away once the process has ended. Resolves when it has looked
 * for the last time; rejects with what the engine says.
 */
export async function drainStdin({ caller, stateDirectory, containerId }: StdinDrainOptions, signal: AbortSignal): Promise<void> {
  const exits = caller.serverStream<Envelope>(
    'containerd.services.events.v1.Events/Subscribe',
    { filters: ['namespace==k8s.io,topic=="/tasks/exit"'] },
    { signal },
  )
  for await (const { event } of exits) {
    const exit = event && caller.decode<TaskExit>('containerd.events.TaskExit', event.value)
    // An exec has an id of its own.
    if (exit?.containerId === containerId) await readAway(join(stateDirectory, 'containers', containerId, 'io'), exit.id, signal)
  }
}

async function readAway(directory: string, processId: string, signal: AbortSignal): Promise<void> {
  for (const folder of await readdir(directory).catch(() => [])) {
    const fd = openPipe(join(directory, folder, `${processId}-stdin`))
    if (fd === undefined) continue
    const pipe = new Socket({ fd, readable: true, writable: false })
    pipe.on('error', () => {})
    pipe.resume()
    const close = () => pipe.destroy()
    if (signal.aborted) close()
    else signal.addEventListener('abort', close, { once: true })
  }
}

function openPipe(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    // The process has no input, or the engine is done with it.
    return undefined
  }
}
