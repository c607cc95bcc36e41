import type { KubeObject } from '../machinery/object.ts'
import type { Core, RequestContext, WriteParameters } from './core.ts'
import type { Resource } from './registry.ts'

/** Who changed which fields (metadata.managedFields), recorded after everything else has shaped the object. */
export function recordManager(
  core: Core,
  write: {
    readonly context: RequestContext
    readonly resource: Resource
    readonly object: KubeObject
    readonly old: KubeObject | undefined
    readonly subresource: string
    readonly parameters: WriteParameters
    readonly now: string
  },
): void {
  void core
  void write
}
