/** Several authorizers in order (https://kubernetes.io/docs/reference/access-authn-authz/authorization/#using-configuration-file-for-authorization). */
import type { Asking, Attributes, Authorizer, Decision } from '../contract.ts'

export const superuserGroup = 'system:masters'

/** The members of system:masters may do anything. */
export const superuserAuthorizer: Authorizer = {
  authorize: ({ user }) => ({ allowed: user.groups.includes(superuserGroup), reason: '' }),
  rulesFor: (user) => (user.groups.includes(superuserGroup) ? everything : nothing),
}

export const alwaysAllow: Authorizer = {
  authorize: () => ({ allowed: true, reason: '' }),
  rulesFor: () => everything,
}

export const alwaysDeny: Authorizer = {
  authorize: () => ({ allowed: false, reason: 'Everything is forbidden.' }),
  rulesFor: () => nothing,
}

const everything: ReturnType<Authorizer['rulesFor']> = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
}
const nothing: ReturnType<Authorizer['rulesFor']> = { resourceRules: [], nonResourceRules: [] }

/** The first that allows or denies decides; where none does, nothing is allowed, for all of their reasons. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize: (attributes, asking) => {
      const undecided: Decision[] = []
      for (const [i, authorizer] of authorizers.entries()) {
        const decision = authorizer.authorize(attributes, asking)
        if (decision instanceof Promise) return later(decision, { attributes, asking, undecided, rest: authorizers.slice(i + 1) })
        if (decision.allowed || decision.isDenied) return decision
        undecided.push(decision)
      }
      return noOpinion(undecided)
    },
    rulesFor: (user, namespace) => {
      const all = authorizers.map((a) => a.rulesFor(user, namespace))
      const problems = all.flatMap((r) => r.evaluationError ?? [])
      return {
        resourceRules: all.flatMap((r) => r.resourceRules),
        nonResourceRules: all.flatMap((r) => r.nonResourceRules),
        ...(problems.length > 0 ? { evaluationError: aggregate(problems) } : {}),
      }
    },
  }
}

type Rest = {
  readonly attributes: Attributes
  readonly asking: Asking | undefined
  readonly undecided: readonly Decision[]
  readonly rest: readonly Authorizer[]
}

async function later(first: Promise<Decision>, { attributes, asking, undecided, rest }: Rest): Promise<Decision> {
  const seen = [...undecided]
  for (const next of [() => first, ...rest.map((authorizer) => () => authorizer.authorize(attributes, asking))]) {
    const decision = await next()
    if (decision.allowed || decision.isDenied) return decision
    seen.push(decision)
  }
  return noOpinion(seen)
}

const refused: Decision = { allowed: false, reason: '' }

function noOpinion(decisions: readonly Decision[]): Decision {
  const reasons = decisions.flatMap(({ reason }) => (reason === '' ? [] : [reason]))
  const errors = decisions.flatMap(({ error }) => error ?? [])
  if (reasons.length === 0 && errors.length === 0) return refused
  return { allowed: false, reason: reasons.join('\n'), ...(errors.length > 0 ? { error: aggregate(errors) } : {}) }
}

/** Several errors as upstream writes them. */
const aggregate = (errors: readonly string[]) => (errors.length === 1 ? errors[0]! : `[${[...new Set(errors)].join(', ')}]`)
