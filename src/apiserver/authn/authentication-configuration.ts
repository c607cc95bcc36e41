/**
 * Which issuers' tokens are taken, and what of their claims makes a user
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration).
 */
import { X509Certificate } from 'node:crypto'
import { type DocumentKind, readDocument } from '../../machinery/document-shape.ts'
import { domainPrefixedPathErrors } from '../../machinery/domain-prefixed-path.ts'
import { describeFieldErrors, type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { ClaimRules, Claims, ExpressionRule, JudgedUser, Mapping } from './claim-rules.ts'
import { type CompiledText, compileClaims, compileUser, usesClaim } from './claim-expressions.ts'
import type { OidcOptions } from './oidc.ts'

export type AuthenticationConfiguration = {
  readonly issuers: readonly OidcOptions[]
  /** Absent: as the flag says. `paths`: those that nobody in particular may ask for; empty: all. */
  readonly anonymous: { readonly enabled: boolean; readonly paths: readonly string[] } | undefined
}

const mappingShape = { fields: { claim: 'string', prefix: 'string', expression: 'string' } } as const
const documentKind: DocumentKind = {
  group: 'apiserver.config.k8s.io',
  kind: 'AuthenticationConfiguration',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  shape: {
    fields: {
      jwt: {
        list: {
          fields: {
            issuer: {
              fields: {
                url: 'string',
                discoveryURL: 'string',
                certificateAuthority: 'string',
                audiences: { list: 'string' },
                audienceMatchPolicy: 'string',
                egressSelectorType: 'string',
              },
            },
            claimValidationRules: {
              list: { fields: { claim: 'string', requiredValue: 'string', expression: 'string', message: 'string' } },
            },
            claimMappings: {
              fields: {
                username: mappingShape,
                groups: mappingShape,
                uid: { fields: { claim: 'string', expression: 'string' } },
                extra: { list: { fields: { key: 'string', valueExpression: 'string' } } },
              },
            },
            userValidationRules: { list: { fields: { expression: 'string', message: 'string' } } },
          },
        },
      },
      anonymous: { fields: { enabled: 'boolean', conditions: { list: { fields: { path: 'string' } } } } },
    },
  },
}

type MappingDocument = { readonly claim?: string; readonly prefix?: string; readonly expression?: string }
type IssuerDocument = {
  readonly url?: string
  readonly discoveryURL?: string
  readonly certificateAuthority?: string
  readonly audiences?: readonly string[]
  readonly audienceMatchPolicy?: string
  readonly egressSelectorType?: string
}
type RuleDocument = { readonly claim?: string; readonly requiredValue?: string; readonly expression?: string; readonly message?: string }
type MappingsDocument = {
  readonly username?: MappingDocument
  readonly groups?: MappingDocument
  readonly uid?: MappingDocument
  readonly extra?: readonly { readonly key?: string; readonly valueExpression?: string }[]
}
type JwtDocument = {
  readonly issuer?: IssuerDocument
  readonly claimValidationRules?: readonly RuleDocument[]
  readonly claimMappings?: MappingsDocument
  readonly userValidationRules?: readonly { readonly expression?: string; readonly message?: string }[]
}
type Document = {
  readonly jwt?: readonly JwtDocument[]
  readonly anonymous?: { readonly enabled?: boolean; readonly conditions?: readonly { readonly path?: string }[] }
}

const issuersMax = 64
/** What upstream takes of tokens by this file; the flag takes RS256 alone unless it is told. */
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']

/**
 * Reads an AuthenticationConfiguration in YAML or JSON. `ownIssuers` are those of service accounts, which nobody else may be. Throws an
 * Error with every fault, in upstream's words.
 */
export function parseAuthenticationConfiguration(text: string, ownIssuers: readonly string[]): AuthenticationConfiguration {
  const { jwt = [], anonymous } = readDocument<Document>(text, documentKind)
  const errors: FieldError[] = []
  if (jwt.length > issuersMax) throw new Error(describeFieldErrors([fieldErrors.tooMany('jwt', jwt.length, issuersMax)]))
  const issuers = jwt.map((one, i) => checkedIssuer(one, `jwt[${i}]`, { errors, ownIssuers }))
  for (const field of ['url', 'discoveryURL'] as const) {
    const seen = new Set<string>()
    jwt.forEach(({ issuer }, i) => {
      const value = issuer?.[field]
      if (value === undefined || (field === 'discoveryURL' && value === '')) return
      if (seen.has(value)) errors.push(fieldErrors.duplicate(`jwt[${i}].issuer.${field}`, value))
      seen.add(value)
    })
  }
  const { enabled = false, conditions = [] } = anonymous ?? {}
  if (anonymous && !enabled && conditions.length > 0)
    errors.push(fieldErrors.invalid('anonymous.conditions', conditions, 'enabled should be set to true when conditions are defined'))
  if (errors.length > 0) throw new Error(describeFieldErrors(errors))
  return { issuers, anonymous: anonymous && { enabled, paths: conditions.map(({ path = '' }) => path) } }
}

type Checking = { readonly errors: FieldError[]; readonly ownIssuers: readonly string[] }

/** What is known of the expressions that speak of an e-mail address. */
type EmailUse = { claimed: boolean; verified: boolean }

function checkedIssuer(jwt: JwtDocument, at: string, { errors, ownIssuers }: Checking): OidcOptions {
  const { issuer = {}, claimMappings = {}, claimValidationRules = [], userValidationRules = [] } = jwt
  errors.push(...issuerErrors(issuer, `${at}.issuer`, ownIssuers))
  const email: EmailUse = { claimed: false, verified: false }
  const validation = checkedRules(claimValidationRules, `${at}.claimValidationRules`, { errors, email })
  const mappings = checkedMappings(claimMappings, `${at}.claimMappings`, { errors, email })
  const rules: ClaimRules = {
    ...mappings,
    ...validation,
    userRules: checkedUserRules(userValidationRules, `${at}.userValidationRules`, errors),
  }
  return {
    issuer: issuer.url ?? '',
    ...(issuer.discoveryURL ? { discoveryUrl: issuer.discoveryURL } : {}),
    audiences: issuer.audiences ?? [],
    algorithms,
    rules,
    ca: issuer.certificateAuthority || undefined,
  }
}

function issuerErrors(issuer: IssuerDocument, at: string, ownIssuers: readonly string[]): FieldError[] {
  const {
    url = '',
    discoveryURL = '',
    audiences = [],
    audienceMatchPolicy: policy = '',
    certificateAuthority = '',
    egressSelectorType,
  } = issuer
  const errors = url === '' ? [fieldErrors.required(`${at}.url`)] : urlErrors(url, `${at}.url`, ownIssuers)
  if (discoveryURL !== '') {
    const bare = (text: string) => text.replace(/\/+$/, '')
    if (url !== '' && bare(url) === bare(discoveryURL))
      errors.push(fieldErrors.invalid(`${at}.discoveryURL`, discoveryURL, 'discoveryURL must be different from URL'))
    errors.push(...urlErrors(discoveryURL, `${at}.discoveryURL`, []))
  }
  if (audiences.length === 0) errors.push(fieldErrors.required(`${at}.audiences`, `at least one ${at}.audiences is required`))
  audiences.forEach((audience, i) => {
    if (audience === '') errors.push(fieldErrors.required(`${at}.audiences[${i}]`))
    if (audiences.indexOf(audience) !== i) errors.push(fieldErrors.duplicate(`${at}.audiences[${i}]`, audience))
  })
  const policyFault = (why: string) => errors.push(fieldErrors.invalid(`${at}.audienceMatchPolicy`, policy, why))
  if (audiences.length > 1 && policy !== 'MatchAny') policyFault('audienceMatchPolicy must be MatchAny for multiple audiences')
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny')
    policyFault('audienceMatchPolicy must be empty or MatchAny for single audience')
  if (certificateAuthority !== '' && !isCertificate(certificateAuthority))
    errors.push(fieldErrors.invalid(`${at}.certificateAuthority`, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates'))
  if (egressSelectorType)
    errors.push(fieldErrors.invalid(`${at}.egressSelectorType`, egressSelectorType, 'this server has no egress selector'))
  return errors
}

function urlErrors(text: string, field: string, disallowed: readonly string[]): FieldError[] {
  const errors: FieldError[] = []
  const fault = (why: string) => errors.push(fieldErrors.invalid(field, text, why))
  if (disallowed.includes(text)) fault(`URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`)
  if (!/^https:\/\//i.test(text)) fault('URL scheme must be https')
  if (!URL.canParse(text)) return errors
  const { username, password, search, hash } = new URL(text)
  if (username !== '' || password !== '') fault('URL must not contain a username or password')
  if (search !== '') fault('URL must not contain a query')
  if (hash !== '') fault('URL must not contain a fragment')
  return errors
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}

type Compiling = { readonly errors: FieldError[]; readonly email: EmailUse }

function checkedRules(
  rules: readonly RuleDocument[],
  at: string,
  { errors, email }: Compiling,
): Pick<ClaimRules, 'requiredClaims' | 'claimRules'> {
  const requiredClaims: [string, string][] = []
  const claimRules: ExpressionRule<Claims>[] = []
  const seen = new Set<string>()
  for (const [i, { claim = '', requiredValue = '', expression = '', message = '' }] of rules.entries()) {
    const field = `${at}[${i}]`
    if (claim !== '' && expression !== '') errors.push(fieldErrors.invalid(field, claim, "claim and expression can't both be set"))
    else if (claim !== '') {
      if (message !== '') errors.push(fieldErrors.invalid(`${field}.message`, message, 'may not be specified when claim is set'))
      if (seen.has(`claim ${claim}`)) errors.push(fieldErrors.duplicate(`${field}.claim`, claim))
      seen.add(`claim ${claim}`)
      requiredClaims.push([claim, requiredValue])
    } else if (expression !== '') {
      if (requiredValue !== '')
        errors.push(fieldErrors.invalid(`${field}.requiredValue`, requiredValue, 'may not be specified when expression is set'))
      if (seen.has(`expression ${expression}`)) {
        errors.push(fieldErrors.duplicate(`${field}.expression`, expression))
        continue
      }
      seen.add(`expression ${expression}`)
      const compiled = taken(compileClaims(expression, 'bool'), { field: `${field}.expression`, text: expression, errors })
      if (!compiled) continue
      email.verified ||= usesClaim(compiled.expr, 'email_verified')
      claimRules.push({ text: expression, evaluate: compiled.evaluate, message })
    } else errors.push(fieldErrors.required(field, 'claim or expression is required'))
  }
  return { requiredClaims, claimRules }
}

type Place = { readonly field: string; readonly text: string; readonly errors: FieldError[] }

function taken<T>(compiled: CompiledText<T> | { readonly error: string }, { field, text, errors }: Place): CompiledText<T> | undefined {
  if (!('error' in compiled)) return compiled
  errors.push(fieldErrors.invalid(field, text, compiled.error))
  return undefined
}

function checkedMappings(
  mappings: MappingsDocument,
  at: string,
  compiling: Compiling,
): Pick<ClaimRules, 'username' | 'groups' | 'uid' | 'extra'> {
  const { errors, email } = compiling
  const username = checkedMapping(mappings.username ?? {}, `${at}.username`, errors)
  if (username?.compiled) {
    email.claimed ||= usesClaim(username.compiled.expr, 'email')
    email.verified ||= usesClaim(username.compiled.expr, 'email_verified')
  } else if (!username && !mappings.username?.expression && !mappings.username?.claim)
    errors.push(fieldErrors.required(`${at}.username`, 'claim or expression is required'))
  const groups = checkedMapping(mappings.groups ?? {}, `${at}.groups`, errors)
  const uid = checkedMapping({ ...mappings.uid, ...(mappings.uid?.claim ? { prefix: '' } : {}) }, `${at}.uid`, errors)
  const extra = checkedExtra(mappings.extra ?? [], `${at}.extra`, compiling)
  if (email.claimed && !email.verified)
    errors.push(
      fieldErrors.invalid(
        `${at}.username.expression`,
        mappings.username?.expression ?? '',
        'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
      ),
    )
  return { username: username?.mapping ?? { claim: 'sub', prefix: '' }, groups: groups?.mapping, uid: uid?.mapping, extra }
}

type CheckedMapping = { readonly mapping: Mapping; readonly compiled?: CompiledText<Claims> }

function checkedMapping(document: MappingDocument, at: string, errors: FieldError[]): CheckedMapping | undefined {
  const { claim = '', prefix, expression = '' } = document
  if (claim !== '' && expression !== '') errors.push(fieldErrors.invalid(at, '', "claim and expression can't both be set"))
  else if (expression !== '') {
    if (prefix !== undefined) errors.push(fieldErrors.invalid(`${at}.prefix`, prefix, 'may not be specified when expression is set'))
    const compiled = taken(compileClaims(expression), { field: `${at}.expression`, text: expression, errors })
    return compiled && { mapping: { expression: compiled.evaluate }, compiled }
  } else if (claim !== '') {
    if (prefix === undefined) {
      const why = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing'
      errors.push(fieldErrors.required(`${at}.prefix`, why))
    }
    return { mapping: { claim, prefix: prefix ?? '' } }
  }
  return undefined
}

function checkedExtra(
  mappings: NonNullable<MappingsDocument['extra']>,
  at: string,
  { errors, email }: Compiling,
): NonNullable<ClaimRules['extra']> {
  const seen = new Set<string>()
  return mappings.flatMap(({ key = '', valueExpression: text = '' }, i) => {
    const field = `${at}[${i}]`
    errors.push(...domainPrefixedPathErrors(key, `${field}.key`))
    if (key !== key.toLowerCase()) errors.push(fieldErrors.invalid(`${field}.key`, key, 'must be lowercase'))
    if (/^(?:[^/]*\.)?(?:kubernetes|k8s)\.io\//.test(key)) {
      const why = 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'
      errors.push(fieldErrors.invalid(`${field}.key`, key, why))
    }
    if (seen.has(key)) {
      errors.push(fieldErrors.duplicate(`${field}.key`, key))
      return []
    }
    seen.add(key)
    if (text === '') {
      errors.push(fieldErrors.required(`${field}.valueExpression`))
      return []
    }
    const compiled = taken(compileClaims(text), { field: `${field}.valueExpression`, text, errors })
    if (!compiled) return []
    email.verified ||= usesClaim(compiled.expr, 'email_verified')
    return [{ key, text, evaluate: compiled.evaluate }]
  })
}

function checkedUserRules(
  rules: NonNullable<JwtDocument['userValidationRules']>,
  at: string,
  errors: FieldError[],
): readonly ExpressionRule<JudgedUser>[] {
  const seen = new Set<string>()
  return rules.flatMap(({ expression: text = '', message = '' }, i) => {
    const field = `${at}[${i}].expression`
    if (text === '' || seen.has(text)) {
      errors.push(text === '' ? fieldErrors.required(field) : fieldErrors.duplicate(field, text))
      return []
    }
    seen.add(text)
    const compiled = taken(compileUser(text), { field, text, errors })
    return compiled ? [{ text, evaluate: compiled.evaluate, message }] : []
  })
}
