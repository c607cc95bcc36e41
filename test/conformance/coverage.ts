/** The conformance tests of release 1.36 (facts: their codenames) that need nothing but the API, each with the file that does what its text says. */
export const coverage: readonly (readonly [file: string, codename: string])[] = [
  ['networking-operations.test.ts', '[sig-network] EndpointSlice should support creating EndpointSlice API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] Ingress API should support creating Ingress API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] IngressClass API should support creating IngressClass API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should get a host IP [NodeConformance] [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should be submitted and removed [NodeConformance] [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should be updated [NodeConformance] [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should allow activeDeadlineSeconds to be updated [NodeConformance] [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should delete a collection of pods [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should run through the lifecycle of Pods and PodStatus [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should patch a pod status [Conformance]'],
  [
    'pods.test.ts',
    '[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34] [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge [MinimumKubeletVersion:1.34] [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance] [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance] [Conformance]',
  ],
  ['scheduling.test.ts', '[sig-architecture] Conformance Tests should have at least two untainted nodes [Conformance]'],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if matching [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP [Conformance]',
  ],
  ['scheduling.test.ts', '[sig-scheduling] SchedulerPreemption [Serial] validates basic preemption works [Conformance]'],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPreemption [Serial] validates pod disruption condition is added to the preempted pod [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPreemption [Serial] PreemptionExecutionPath runs ReplicaSets to verify preemption running path [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods [Conformance]',
  ],
  ['scheduling.test.ts', '[sig-node] NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive] [Conformance]'],
  [
    'scheduling.test.ts',
    '[sig-node] NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive] [Conformance]',
  ],
]
