import type { Framework } from '../kinds/keelson/framework.ts'
import type { Offer } from '../kinds/keelson/offer.ts'
import type { KindRef } from '../kinds/kind.ts'

/** Kinds of Keelson's own, which no other Kubernetes has. */
export const keelsonKinds = {
  frameworks: { group: 'keelson.dev', version: 'v1', kind: 'Framework', plural: 'frameworks', scope: 'Namespaced' } as KindRef<Framework>,
  offers: { group: 'keelson.dev', version: 'v1', kind: 'Offer', plural: 'offers', scope: 'Namespaced' } as KindRef<Offer>,
} as const
