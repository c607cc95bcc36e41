import { schemaName } from '../../kinds/define-kind.ts'
import type { ExpectedKind } from '../verb-request.ts'

/** Kinds that bodies of subresources have. */
export const bindingKind = kind('', 'v1', 'Binding')
export const evictionKind: ExpectedKind = { ...kind('policy', 'v1', 'Eviction'), oldVersions: ['v1beta1'] }
export const scaleKind = kind('autoscaling', 'v1', 'Scale')
export const tokenRequestKind = kind('authentication.k8s.io', 'v1', 'TokenRequest')
/** Keelson's own: no schema among the API's. */
export const runActionKind: ExpectedKind = { group: 'keelson.dev', version: 'v1', kind: 'RunAction', schema: '' }
export const offerAcceptanceKind: ExpectedKind = { group: 'keelson.dev', version: 'v1', kind: 'OfferAcceptance', schema: '' }
export const offerDeclineKind: ExpectedKind = { group: 'keelson.dev', version: 'v1', kind: 'OfferDecline', schema: '' }

function kind(group: string, version: string, name: string): ExpectedKind {
  return { group, version, kind: name, schema: schemaName({ group, version, kind: name }) }
}
