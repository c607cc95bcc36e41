/** What is done to a cluster whose end states are recorded; each in a namespace that has the scenario's name. */
import type { Scenario } from './scenario.ts'
import { autoscalingScenarios } from './scenarios/autoscaling.ts'
import { certificateScenarios } from './scenarios/certificates.ts'
import { cronJobScenarios } from './scenarios/cron-jobs.ts'
import { deviceScenarios } from './scenarios/devices.ts'
import { dualStackScenarios } from './scenarios/dual-stack.ts'
import { endpointScenarios } from './scenarios/endpoints.ts'
import { garbageScenarios } from './scenarios/garbage.ts'
import { jobScenarios } from './scenarios/jobs.ts'
import { nodeScenarios } from './scenarios/nodes.ts'
import { volumeScenarios } from './scenarios/volumes.ts'
import { workloadScenarios } from './scenarios/workloads.ts'
import { autoscalingMetricScenarios } from './scenarios/autoscaling-metrics.ts'
import { moreEndpointScenarios } from './scenarios/endpoints-more.ts'
import { moreJobScenarios } from './scenarios/jobs-more.ts'
import { moreNodeScenarios } from './scenarios/nodes-more.ts'
import { policyScenarios } from './scenarios/policies.ts'
import { moreVolumeScenarios } from './scenarios/volumes-more.ts'
import { heldWorkloadScenarios } from './scenarios/workloads-by-hand.ts'
import { moreWorkloadScenarios } from './scenarios/workloads-more.ts'

export const scenarios: Readonly<Record<string, Scenario>> = {
  ...workloadScenarios,
  ...jobScenarios,
  ...autoscalingScenarios,
  ...endpointScenarios,
  ...volumeScenarios,
  ...nodeScenarios,
  ...autoscalingMetricScenarios,
  ...moreEndpointScenarios,
  ...moreJobScenarios,
  ...moreNodeScenarios,
  ...policyScenarios,
  ...moreVolumeScenarios,
  ...moreWorkloadScenarios,
  ...deviceScenarios,
  ...dualStackScenarios,
  ...garbageScenarios,
  ...cronJobScenarios,
  ...certificateScenarios,
  ...heldWorkloadScenarios,
}
