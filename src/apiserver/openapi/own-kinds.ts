import type { Schema } from '../../machinery/schema/schema-node.ts'

type Described = Schema & { readonly description?: string }

const described = (schema: Schema, description: string): Described => ({ ...schema, description })
const text = (description: string) => described({ type: 'string' }, description)
const time = (description: string) => described({ type: 'string', format: 'date-time' }, description)
const whole = (description: string) => described({ type: 'integer', format: 'int32' }, description)
const texts = (description: string) => described({ type: 'object', additionalProperties: { type: 'string' } }, description)
const quantity: Schema = { $ref: '#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity' }
const quantities = (description: string) => described({ type: 'object', additionalProperties: quantity }, description)
const fields = (description: string, properties: Readonly<Record<string, Schema>>) => described({ type: 'object', properties }, description)

/** Properties of kinds of Keelson's own; by `group/version/kind`. */
export const keelsonProperties: Readonly<Record<string, Readonly<Record<string, Schema>>>> = {
  'keelson.dev/v1/RunAction': { gracePeriodSeconds: { type: 'integer', format: 'int64' } },
  'keelson.dev/v1/Framework': {
    spec: fields('What it wants to be offered.', {
      weight: whole('Its share against that of the others, 1 to 1000. Default 1.'),
      schedulerName: text('What its pods have as spec.schedulerName. Default: its own name.'),
      nodeSelector: texts('Labels of the nodes that it wants offers of; absent: all.'),
      minResources: quantities('The least room on one node that is worth an offer. Default 100m of cpu and 32Mi of memory.'),
      maxResources: quantities('The most room on one node in one offer, other resources in proportion; absent: all that is free.'),
      offersMax: whole('Offers that may be open at once, 1 to 5000. Default 100.'),
      offerTimeoutSeconds: whole('How long an offer waits for an answer, 1 to 3600. Default 30.'),
      leaseDurationSeconds: whole('How old the last renewal of its Lease may be, 1 to 3600. Default 15.'),
    }),
    status: fields('What it has; written by the control plane.', {
      observedGeneration: { type: 'integer', format: 'int64' },
      conditions: { type: 'array', items: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Condition' } },
      dominantShare: text("The largest of its shares of the cluster's resources by weight, what it is offered included."),
      dominantResource: text('The resource of that share.'),
      allocated: quantities('What its pods have.'),
      offered: quantities('What it is offered at present.'),
      offers: whole('How many offers are open.'),
      expiredRenewTime: text('Of a framework whose Lease expired: the renewal that was the last.'),
    }),
  },
  'keelson.dev/v1/Offer': {
    spec: fields('What is offered, to whom, until when.', {
      frameworkName: text('The Framework in the same namespace.'),
      nodeName: text('The node whose room it is.'),
      resources: quantities('How much room; pods counts places for pods.'),
      expirationTime: time('When it ends without an answer.'),
    }),
    status: fields('What became of it.', {
      phase: text('Offered, or Declined: then it keeps no room, and says until when the framework wants no offer of this node.'),
      reason: text('Of a declined one: Declined by the framework, or TimedOut.'),
      filterUntil: time('Of a declined one: when the node may be offered again.'),
    }),
  },
}
