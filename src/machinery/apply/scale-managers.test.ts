import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ManagedFieldsEntry } from '../../kinds/generated/types/meta-v1.ts'
import { managersOfScaled, scaleManagers } from './scale-managers.ts'

const entry = (manager: string, fieldsV1: object, more: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager,
  operation: 'Apply',
  apiVersion: 'apps/v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
})
const replicas = { 'f:spec': { 'f:replicas': {} } }
const scaled = (managedFields: readonly ManagedFieldsEntry[]) => ({ managedFields, apiVersion: 'apps/v1', replicasPath: 'spec.replicas' })

test('who owns the replicas owns them in the Scale', () =>
  assert.deepEqual(
    scaleManagers(scaled([entry('a', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } }), entry('b', { 'f:spec': { 'f:paused': {} } })])),
    [entry('a', replicas, { apiVersion: 'autoscaling/v1' })],
  ))

test('who took the replicas of the Scale takes those of the object, without a time', () => {
  const before = [entry('a', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } })]
  const { time: _, ...taken } = entry('b', replicas, { subresource: 'scale' })
  assert.deepEqual(managersOfScaled(scaled(before), [entry('b', replicas, { apiVersion: 'autoscaling/v1', subresource: 'scale' })]), [
    taken,
    entry('a', { 'f:spec': { 'f:paused': {} } }),
  ])
})

test('who keeps the replicas of the Scale keeps its entry', () => {
  const before = [entry('a', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } })]
  assert.deepEqual(managersOfScaled(scaled(before), [entry('a', replicas, { apiVersion: 'autoscaling/v1' })]), before)
})
