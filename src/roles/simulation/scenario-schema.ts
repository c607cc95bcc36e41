import type { JsonSchema } from '../../machinery/structural/json-schema.ts'

const duration: JsonSchema = { type: 'string', pattern: '^([0-9]+(ms|s|m|h|d))+$' }
const share = (fallback?: number): JsonSchema => ({
  type: 'number',
  minimum: 0,
  maximum: 1,
  ...(fallback === undefined ? {} : { default: fallback }),
})
const text: JsonSchema = { type: 'string', minLength: 1 }
const quantity: JsonSchema = { 'x-kubernetes-int-or-string': true }
const texts: JsonSchema = { type: 'object', additionalProperties: { type: 'string' } }
const anyObject: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const manifests: JsonSchema = { type: 'array', items: anyObject, default: [] }

const nodeGroup: JsonSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: text,
    count: { type: 'integer', minimum: 1, maximum: 10_000, default: 1 },
    cpu: { ...quantity, default: '4' },
    memory: { ...quantity, default: '16Gi' },
    pods: { type: 'integer', minimum: 1, default: 110 },
    labels: { ...texts, default: {} },
    taints: { type: 'array', items: anyObject, default: [] },
    /** Of any currency, for one node. */
    pricePerHour: { type: 'number', minimum: 0, default: 0 },
  },
}

const runs: JsonSchema = {
  type: 'object',
  required: ['for'],
  properties: {
    for: duration,
    spread: { type: 'string', enum: ['none', 'uniform', 'exponential'], default: 'none' },
    failureRate: share(0),
  },
}

const uses: JsonSchema = {
  type: 'object',
  required: ['points'],
  properties: {
    period: duration,
    points: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: {
          at: { ...duration, default: '0s' },
          cpu: { type: 'number', minimum: 0, default: 0 },
          memory: { type: 'number', minimum: 0, default: 0 },
        },
      },
    },
  },
}

const arrival: JsonSchema = {
  type: 'object',
  required: ['name', 'object'],
  properties: {
    name: text,
    from: { ...duration, default: '0s' },
    until: duration,
    every: duration,
    perMinute: { type: 'number', minimum: 0.001, maximum: 100_000 },
    count: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    object: anyObject,
    runs,
    uses,
  },
}

const event: JsonSchema = {
  type: 'object',
  required: ['at'],
  properties: {
    at: duration,
    apply: { type: 'array', minItems: 1, items: anyObject },
    delete: { type: 'array', minItems: 1, items: anyObject },
    scale: {
      type: 'object',
      required: ['kind', 'name', 'replicas'],
      properties: {
        kind: { type: 'string', enum: ['Deployment', 'StatefulSet', 'ReplicaSet'] },
        namespace: { ...text, default: 'default' },
        name: text,
        replicas: { type: 'integer', minimum: 0 },
      },
    },
    cordon: text,
    uncordon: text,
    drain: text,
    turnOff: text,
    turnOn: text,
    addNodes: nodeGroup,
  },
}

const engineTimes: JsonSchema = {
  type: 'object',
  properties: Object.fromEntries(['runSandbox', 'create', 'start', 'stop', 'pull'].map((name) => [name, duration])),
  default: {},
}
const engineFailures: JsonSchema = {
  type: 'object',
  properties: Object.fromEntries(['runSandbox', 'create', 'start', 'pull'].map((name) => [name, share()])),
  default: {},
}

/** What a scenario's document may say. */
export const scenarioSchema: JsonSchema = {
  type: 'object',
  required: ['apiVersion', 'kind', 'duration', 'nodes'],
  properties: {
    apiVersion: { type: 'string', enum: ['keelson.dev/v1alpha1'] },
    kind: { type: 'string', enum: ['Scenario'] },
    metadata: { type: 'object', properties: { name: text }, default: {} },
    seed: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1, default: 1 },
    duration,
    sampleEvery: { ...duration, default: '1m' },
    nodes: { type: 'array', minItems: 1, items: nodeGroup },
    engine: { type: 'object', properties: { times: engineTimes, failureRates: engineFailures }, default: {} },
    /** A KubeSchedulerConfiguration. */
    scheduler: anyObject,
    rebalancer: anyObject,
    schedulers: { type: 'integer', minimum: 1, maximum: 64 },
    objects: manifests,
    arrivals: { type: 'array', items: arrival, default: [] },
    events: { type: 'array', items: event, default: [] },
  },
}
