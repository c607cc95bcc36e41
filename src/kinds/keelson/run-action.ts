import type { KubeObject } from '../../machinery/object.ts'
import { defineKind } from '../define-kind.ts'
import type { Subresource } from '../kind.ts'

/** Body of POST `pods/NAME/{start,stop,restart,pause,resume}` and the same on Deployments: changes the run state. */
export type RunAction = KubeObject & {
  /** Seconds that containers get to end by themselves (stop, restart); the pod's own grace when absent. */
  gracePeriodSeconds?: number
}

export const runActions = defineKind<RunAction>({
  group: 'keelson.dev',
  version: 'v1',
  kind: 'RunAction',
  persisted: false,
  validate: ({ gracePeriodSeconds }) =>
    gracePeriodSeconds === undefined || (Number.isInteger(gracePeriodSeconds) && gracePeriodSeconds >= 0)
      ? []
      : [
          {
            field: 'gracePeriodSeconds',
            reason: 'FieldValueInvalid',
            message: `Invalid value: ${JSON.stringify(gracePeriodSeconds)}: must be greater than or equal to 0`,
          },
        ],
})

/** The subresources through which a run state is changed. */
export const runActionSubresources: readonly Subresource[] = ['start', 'stop', 'restart', 'pause', 'resume'].map((name) => ({
  name,
  group: 'keelson.dev',
  version: 'v1',
  kind: 'RunAction',
  verbs: ['create'],
}))
