import type { Ingress } from '../../kinds/generated/types/networking-v1.ts'
import { ingressClasses } from '../../kinds/networking/ingress-class.ts'
import type { AdmissionPlugin } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { newest } from '../../machinery/newest.ts'

const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class'
const classAnnotation = 'kubernetes.io/ingress.class'

/** An Ingress that names no class gets the default one; of several the newest. */
export function defaultIngressClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    handles: (operation, kind, subresource) =>
      operation === 'CREATE' && subresource === '' && kind.group === 'networking.k8s.io' && kind.kind === 'Ingress',
    admit: ({ object }) => {
      const { metadata, spec } = object as Ingress
      if (!spec || spec.ingressClassName !== undefined || metadata.annotations?.[classAnnotation] !== undefined) return
      const found = newest(reader.list(ingressClasses, '').filter((c) => c.metadata.annotations?.[defaultAnnotation] === 'true'))
      if (found) spec.ingressClassName = found.metadata.name!
    },
  }
}
