import type { ControllerDefinition } from '../control/contract.ts'
import { attachDetachController } from './attach-detach/controller.ts'
import { csrApprovingController, csrCleanerController, csrSigningController, type SignCertificate } from './certificates/controllers.ts'
import { bootstrapSignerController, tokenCleanerController } from './bootstrap-token/controllers.ts'
import { clusterRoleAggregationController } from './clusterrole-aggregation/controller.ts'
import { configRolloutController } from './config-rollout/controller.ts'
import { cronJobController } from './cronjob/controller.ts'
import { daemonSetController } from './daemonset/controller.ts'
import { dependsOnController } from './depends-on/controller.ts'
import { deviceTaintEvictionController } from './device-taint-eviction/controller.ts'
import { deploymentController } from './deployment/controller.ts'
import { disruptionController } from './disruption/controller.ts'
import { endpointsController } from './endpoints/controller.ts'
import { endpointSliceMirroringController } from './endpointslice-mirroring/controller.ts'
import { endpointSliceController } from './endpointslice/controller.ts'
import { ephemeralVolumeController } from './ephemeral-volume/controller.ts'
import { eventExpiryController } from './event-expiry/controller.ts'
import { garbageCollectorController } from './garbage-collector/controller.ts'
import { horizontalPodAutoscalerController } from './horizontal-pod-autoscaler/controller.ts'
import { jobController } from './job/controller.ts'
import { localVolumeController } from './local-volume/controller.ts'
import { namespaceController } from './namespace/controller.ts'
import { nodeIpamController } from './node-ipam/controller.ts'
import { nodeLifecycleController } from './node-lifecycle/controller.ts'
import { nodeTtlController } from './node-ttl/controller.ts'
import { persistentVolumeController } from './persistent-volume/controller.ts'
import { podGcController } from './pod-gc/controller.ts'
import { replicaSetController, replicationController } from './replicaset/controller.ts'
import { resourceClaimController } from './resource-claim/controller.ts'
import { resourceOffersController } from './resource-offers/controller.ts'
import { resourceQuotaController } from './resourcequota/controller.ts'
import { rootCaPublisherController } from './root-ca-publisher/controller.ts'
import { isEnabled } from './controller-names.ts'
import type { ControllerSettings } from './settings.ts'
import { serviceCidrController } from './service-cidr/controller.ts'
import { serviceIpRepairController } from './service-ip-repair/controller.ts'
import { serviceAccountController } from './serviceaccount/controller.ts'
import { type IssueSecretToken, legacyTokenCleanerController, serviceAccountTokenController } from './service-account-token/controllers.ts'
import { statefulSetController } from './statefulset/controller.ts'
import { storageVersionMigrationController } from './storage-version-migration/controller.ts'
import { taintEvictionController } from './taint-eviction/controller.ts'
import { ttlAfterFinishedController } from './ttl-after-finished/controller.ts'
import { volumeExpandController } from './volume-expand/controller.ts'
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from './volume-protection/controllers.ts'

/** What controllers need from the composition root; a controller whose function is absent does not run. */
export type ControllerFunctions = {
  /** The CA that clients verify the API server with, PEM; published into every namespace. Empty: nothing is published. */
  readonly rootCaPem: string
  /** The network that nodes' pod networks are cut from. Default 10.244.0.0/16; false: nodes bring their own. */
  readonly clusterCidr?: string | false
  readonly signCertificate?: SignCertificate
  /** Where machines that have nothing but a bootstrap token find the cluster; absent: nothing is published. */
  readonly clusterInfo?: { readonly server: string; readonly caPem: string }
  readonly settings?: ControllerSettings
  /** Tokens for Secrets that ask for one. */
  readonly issueSecretToken?: IssueSecretToken
}

/** The controllers of the control plane that are enabled. Each call gives fresh ones: some remember what they saw. */
export function allControllers(functions: ControllerFunctions): readonly ControllerDefinition[] {
  const { controllers } = functions.settings ?? {}
  return everyController(functions).filter(({ name }) => isEnabled(name, controllers))
}

/** The names of all loops, those too that want a function which is absent here or there. */
export function knownControllers(): readonly string[] {
  const unused = () => {
    throw new Error('nobody runs these')
  }
  return everyController({ rootCaPem: 'x', signCertificate: unused, issueSecretToken: unused }).map(({ name }) => name)
}

function everyController(functions: ControllerFunctions): readonly ControllerDefinition[] {
  const { rootCaPem, clusterCidr = '10.244.0.0/16', signCertificate, clusterInfo, issueSecretToken, settings = {} } = functions
  return [
    // What the first pod of a cluster waits for.
    serviceAccountController,
    nodeLifecycleController(settings.nodes),
    ...(clusterCidr ? [nodeIpamController({ clusterCidr, nodePrefix: settings.nodeMaskBits })] : []),
    deploymentController,
    replicaSetController,
    replicationController,
    statefulSetController,
    daemonSetController(),
    jobController(),
    cronJobController(),
    garbageCollectorController(),
    namespaceController(),
    ...(rootCaPem ? [rootCaPublisherController({ rootCaPem })] : []),
    serviceCidrController,
    serviceIpRepairController(),
    resourceOffersController(),
    endpointSliceController({ perSliceMax: settings.endpointsPerSliceMax }),
    endpointsController(),
    endpointSliceMirroringController({ perSubsetMax: settings.mirroredPerSubsetMax }),
    eventExpiryController({ ttlMs: settings.eventTtlMs }),
    taintEvictionController(),
    deviceTaintEvictionController(),
    nodeTtlController(),
    podGcController({ terminatedMax: settings.terminatedPodsMax }),
    disruptionController,
    resourceQuotaController,
    horizontalPodAutoscalerController(settings.autoscaling),
    ttlAfterFinishedController,
    clusterRoleAggregationController,
    csrApprovingController,
    ...(signCertificate ? [csrSigningController(signCertificate)] : []),
    csrCleanerController,
    tokenCleanerController,
    bootstrapSignerController({ cluster: clusterInfo }),
    ...(issueSecretToken ? [serviceAccountTokenController({ issue: issueSecretToken, rootCaPem })] : []),
    legacyTokenCleanerController({ unusedMs: settings.legacyTokenUnusedMs }),
    persistentVolumeController,
    localVolumeController,
    attachDetachController(),
    claimProtectionController,
    volumeProtectionController,
    attributesClassProtectionController,
    ephemeralVolumeController,
    volumeExpandController,
    resourceClaimController,
    storageVersionMigrationController,
    dependsOnController,
    configRolloutController,
  ]
}
