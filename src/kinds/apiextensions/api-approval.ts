import type { CustomResourceDefinitionCondition } from '../generated/types/apiextensions-v1.ts'

export const approvalAnnotation = 'api-approved.kubernetes.io'

/** Groups of the Kubernetes community need its word (https://github.com/kubernetes/enhancements/pull/1111). */
export function isProtectedGroup(group: string): boolean {
  return /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)
}

type Approval = Required<Pick<CustomResourceDefinitionCondition, 'status' | 'reason' | 'message'>>

const see = 'see https://github.com/kubernetes/enhancements/pull/1111'
const needed = `protected groups must have approval annotation "${approvalAnnotation}"`

/** What the annotation of a definition in a protected group says, as its condition KubernetesAPIApprovalPolicyConformant tells it. */
export function approvalOf(annotations: Readonly<Record<string, string>> | undefined): Approval {
  const value = annotations?.[approvalAnnotation] ?? ''
  if (value === '') return { status: 'False', reason: 'MissingAnnotation', message: `${needed}, ${see}` }
  if (value.startsWith('unapproved'))
    return { status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(value)}` }
  if (URL.canParse(value) && new URL(value).host !== '')
    return { status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${value}` }
  const message = `${needed} with either a URL or a reason starting with "unapproved", ${see}`
  return { status: 'False', reason: 'InvalidAnnotation', message }
}
