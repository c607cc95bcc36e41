/** Who the parts of the control plane are to its own API. */
import type { UserInfo } from '../apiserver/contract.ts'

const known = (name: string, groups: readonly string[] = []): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })

/** The server itself, for what it must do before there are any roles. */
export const apiServerUser = known('system:apiserver', ['system:masters'])
/** Reads for all controllers: they share one set of informers. */
export const controllerManagerUser = known('system:kube-controller-manager')
export const schedulerUser = known('system:kube-scheduler')
export const controllerUser = (account: string) =>
  known(`system:serviceaccount:kube-system:${account}`, ['system:serviceaccounts', 'system:serviceaccounts:kube-system'])
export const nodeUser = (nodeName: string) => known(`system:node:${nodeName}`, ['system:nodes'])
