import type { ContainerCase } from './container-case.ts'
import { endingCases } from './ending-cases.ts'
import { environmentCases } from './environment-cases.ts'
import { healthScenarios } from './health-scenarios.ts'
import { nodeScenarios } from './node-scenarios.ts'
import { downwardCases, objectVolumeCases } from './object-volume-cases.ts'
import { podScenarios } from './pod-scenarios.ts'
import { resizeScenarios } from './resize-scenarios.ts'
import type { Scenario } from './scenario.ts'
import { securityCases } from './security-cases.ts'
import { volumeCases } from './volume-cases.ts'
import { volumeScenarios } from './volume-scenarios.ts'

/** What a pod says that runs to its end: the texts of the conformance suite that need a real container and no network. */
export const allCases: readonly ContainerCase[] = [
  ...environmentCases,
  ...objectVolumeCases,
  ...downwardCases,
  ...volumeCases,
  ...securityCases,
  ...endingCases,
]

/** Pods that something happens to while they run. */
export const allScenarios: readonly Scenario[] = [
  ...resizeScenarios,
  ...healthScenarios,
  ...podScenarios,
  ...volumeScenarios,
  ...nodeScenarios,
]
