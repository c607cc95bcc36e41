import type { Pod, PodTemplateSpec } from '../kinds/generated/types/core-v1.ts'
import { declaredFor, dependsOnAnnotation } from '../kinds/keelson/depends-on.ts'
import type { KindRef } from '../kinds/kind.ts'
import { deepClone } from '../machinery/deep-clone.ts'
import type { KubeObject } from '../machinery/object.ts'
import { controllerReference } from './ownership.ts'

/** A pod of a workload's template, controlled by the workload. Its name is generated from the workload's unless given; the prefix is told anyway. */
export function podFromTemplate(template: PodTemplateSpec, ownerKind: KindRef, owner: KubeObject, name?: string): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {}
  const { namespace } = owner.metadata
  // What the workload waits for, its pods wait for.
  const dependsOn = declaredFor({ workload: owner.metadata, template: template.metadata })
  const told = { ...(dependsOn === undefined ? {} : { [dependsOnAnnotation]: dependsOn }), ...annotations }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(name === undefined ? {} : { name }),
      generateName: generatedPrefix(owner.metadata.name ?? ''),
      ...(namespace ? { namespace } : {}),
      ...(labels ? { labels: { ...labels } } : {}),
      ...(annotations || dependsOn !== undefined ? { annotations: told } : {}),
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [controllerReference(ownerKind, owner)],
    },
    spec: deepClone(template.spec ?? { containers: [] }),
  }
}

/** A pod's name has at most 63 characters to serve as a host name; five of them and the dash are the server's suffix. */
function generatedPrefix(ownerName: string): string {
  return `${ownerName}-`.length > 253 - 5 ? ownerName.slice(0, 247) : `${ownerName}-`
}
