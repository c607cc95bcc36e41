import { dns1123Label, dns1123Subdomain } from '../names.ts'
import type { Library } from './environment.ts'
import { EvaluationError } from './evaluation-error.ts'
import { type Overload, overload } from './overload.ts'
import { CelOpaque, CelTypeValue, type OpaqueKind } from './value.ts'

/**
 * The authorizer that expressions may ask (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-authorizer-library). One check
 * costs 350,000, which allows for two in one expression. Whoever gives an authorizer must answer at once: expressions do not wait.
 */
export type ExpressionAuthorizer = {
  check(attributes: AuthorizationAttributes): AuthorizationDecision
}

export type AuthorizationAttributes = {
  /** Undefined for the user of the request. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string }
  readonly verb: string
  /** Of a request for no resource. */
  readonly path?: string
  readonly group?: string
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
}

export type AuthorizationDecision = { readonly allowed: boolean; readonly reason: string; readonly error?: string }

type Asking = { readonly authorizer: ExpressionAuthorizer; readonly attributes: Omit<AuthorizationAttributes, 'verb'> }

const kind = (name: string): OpaqueKind => ({ name: `kubernetes.authorization.${name}`, equals: (a, b) => a === b })
const kinds = {
  authorizer: kind('Authorizer'),
  path: kind('PathCheck'),
  group: kind('GroupCheck'),
  resource: kind('ResourceCheck'),
  decision: kind('Decision'),
}

/** The value of a variable `authorizer`, of the type `celTypes.opaque('kubernetes.authorization.Authorizer')`. */
export function authorizerValue(authorizer: ExpressionAuthorizer): CelOpaque {
  return new CelOpaque(kinds.authorizer, { authorizer, attributes: {} } satisfies Asking)
}

/** The value of `authorizer.requestResource`'s variable: the request's own resource, already filled in. */
export function resourceCheckValue(authorizer: ExpressionAuthorizer, attributes: Omit<AuthorizationAttributes, 'verb'>): CelOpaque {
  return new CelOpaque(kinds.resource, { authorizer, attributes } satisfies Asking)
}

export const authorizerLibrary = (): Library => ({
  types: Object.values(kinds).map(({ name }) => new CelTypeValue(name)),
  overloads: [...builders(), ...decisions()],
})

const asking = ({ content }: CelOpaque) => content as Asking
const more = (to: OpaqueKind, value: CelOpaque, attributes: Partial<AuthorizationAttributes>) =>
  new CelOpaque(to, { ...asking(value), attributes: { ...asking(value).attributes, ...attributes } })

function builders(): Overload[] {
  const field = (name: 'subresource' | 'namespace' | 'name' | 'fieldSelector' | 'labelSelector') =>
    overload(`ResourceCheck.${name}(string): ResourceCheck`, (value: CelOpaque, text: string) =>
      more(kinds.resource, value, { [name]: text }),
    )
  return [
    overload('Authorizer.path(string): PathCheck', (value: CelOpaque, path: string) => {
      if (path.trim() === '') throw new EvaluationError('path must not be empty')
      return more(kinds.path, value, { path })
    }),
    overload('Authorizer.group(string): GroupCheck', (value: CelOpaque, group: string) => more(kinds.group, value, { group })),
    overload('Authorizer.serviceAccount(string, string): Authorizer', (value: CelOpaque, namespace: string, name: string) => {
      if (dns1123Subdomain(name).length > 0) throw new EvaluationError('Invalid service account name')
      if (dns1123Label(namespace).length > 0) throw new EvaluationError('Invalid service account namespace')
      return more(kinds.authorizer, value, { serviceAccount: { namespace, name } })
    }),
    overload('GroupCheck.resource(string): ResourceCheck', (value: CelOpaque, resource: string) => {
      if (resource.trim() === '') throw new EvaluationError('resource must not be empty')
      return more(kinds.resource, value, { resource })
    }),
    field('subresource'),
    field('namespace'),
    field('name'),
    field('fieldSelector'),
    field('labelSelector'),
    overload('PathCheck.check(string): Decision', check, { cost: () => checkCost }),
    overload('ResourceCheck.check(string): Decision', check, { cost: () => checkCost }),
  ]
}

const checkCost = 350_000

function check(value: CelOpaque, verb: string): CelOpaque {
  const { authorizer, attributes } = asking(value)
  return new CelOpaque(kinds.decision, authorizer.check({ ...attributes, verb }))
}

function decisions(): Overload[] {
  const decision = ({ content }: CelOpaque) => content as AuthorizationDecision
  return [
    overload('Decision.allowed(): bool', (value: CelOpaque) => decision(value).allowed),
    overload('Decision.reason(): string', (value: CelOpaque) => decision(value).reason),
    overload('Decision.errored(): bool', (value: CelOpaque) => decision(value).error !== undefined),
    overload('Decision.error(): string', (value: CelOpaque) => decision(value).error ?? ''),
  ]
}
