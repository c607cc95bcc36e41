import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodSpec } from './generated/types/core-v1.ts'
import { qosClass } from './qos.ts'

type Resources = NonNullable<PodSpec['resources']>

function check(title: string, spec: { app?: Resources[]; init?: Resources[]; pod?: Resources }, expected: string): void {
  test(title, () => {
    const containers = (spec.app ?? [{}]).map((resources, i) => ({ name: `c${i}`, resources }))
    const initContainers = (spec.init ?? []).map((resources, i) => ({ name: `i${i}`, resources }))
    assert.equal(qosClass({ containers, initContainers, ...(spec.pod ? { resources: spec.pod } : {}) }), expected)
  })
}

const both = { cpu: '1', memory: '1Gi' }
check('no figures are BestEffort', {}, 'BestEffort')
check('zero figures are BestEffort', { app: [{ requests: { cpu: '0' } }] }, 'BestEffort')
check('only other resources are BestEffort', { app: [{ requests: { 'ephemeral-storage': '1Gi' } }] }, 'BestEffort')
check('limits equal to requests are Guaranteed', { app: [{ requests: both, limits: both }] }, 'Guaranteed')
check(
  'equal amounts in different words are Guaranteed',
  { app: [{ requests: { cpu: '1000m', memory: '1024Mi' }, limits: both }] },
  'Guaranteed',
)
check('one container without limits makes Burstable', { app: [{ requests: both, limits: both }, {}] }, 'Burstable')
check('an init container without limits makes Burstable', { app: [{ requests: both, limits: both }], init: [{}] }, 'Burstable')
check('only cpu makes Burstable', { app: [{ requests: { cpu: '1' }, limits: { cpu: '1' } }] }, 'Burstable')
check('requests below limits are Burstable', { app: [{ requests: { cpu: '1', memory: '1Mi' }, limits: both }] }, 'Burstable')
check('limits without requests are Burstable', { app: [{ limits: both }] }, 'Burstable')
check('pod-level resources decide alone', { app: [{}], pod: { requests: both, limits: both } }, 'Guaranteed')
