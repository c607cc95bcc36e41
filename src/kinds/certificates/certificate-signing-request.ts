import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain, pathSegmentName } from '../../machinery/names.ts'
import { checkRequired, type Errors, type Rule } from '../checks.ts'
import { column, nameColumn, ageColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatus } from '../define-kind.ts'
import type { CertificateSigningRequest } from '../generated/types/certificates-v1.ts'
import { humanDuration } from '../human-duration.ts'
import type { PrepareContext } from '../kind.ts'

const expirationSecondsMin = 600
const domainLengthMax = 253
/** A domain, and what names a signer in it: a namespace and a name. */
const nameLengthMax = 571
const approvalTypes = ['Approved', 'Denied']

export const certificateSigningRequests = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  shortNames: ['csr'],
  validateName: pathSegmentName,
  prepareForCreate: (request, context) => {
    delete request.status
    recordRequestor(request, context)
  },
  prepareForUpdate: (request, old) => {
    copyField(request, old, 'status')
    request.spec = old.spec
  },
  prepareForStatusUpdate: (request, old, { now }) => {
    keepAllButStatus(request, old)
    for (const type of approvalTypes) keepConditions(request, old, type)
    stampConditions(request, old, now)
  },
  validate: (request, old) => validateAll(request, old),
  validateUpdate: (request, old) => validateChange(request, old, {}),
  validateStatusUpdate: (request, old) => [...validateAll(request, old), ...validateChange(request, old, { setsCertificate: true })],
  subresourceUpdates: {
    approval: {
      prepare: (request, old, { now }) => {
        const conditions = request.status?.conditions
        keepAllButStatus(request, old)
        const { conditions: _before, ...status } = old.status ?? {}
        request.status = { ...status, ...(conditions ? { conditions } : {}) }
        stampConditions(request, old, now)
      },
      validate: (request, old) => [...validateAll(request, old), ...validateChange(request, old, { approves: true })],
    },
  },
  columns: [
    nameColumn,
    ageColumn,
    column.string('SignerName', ({ spec }) => spec?.signerName || '<none>'),
    column.string('Requestor', ({ spec }) => spec?.username ?? ''),
    column.string('RequestedDuration', ({ spec }) =>
      spec?.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
    ),
    column.string('Condition', ({ status }) => {
      const has = (type: string) => status?.conditions?.some((c) => c.type === type)
      const verdict = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
      return `${verdict}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`
    }),
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec?.signerName ?? '' },
})

/** Who asks is the server's to say, not the client's. */
function recordRequestor(request: CertificateSigningRequest, { user, userInfo }: PrepareContext): void {
  const { username: _u, uid: _i, groups: _g, extra: _e, ...spec } = request.spec ?? ({} as CertificateSigningRequest['spec'])
  request.spec = {
    ...spec,
    username: user,
    ...(userInfo?.uid ? { uid: userInfo.uid } : {}),
    ...(userInfo?.groups.length ? { groups: [...userInfo.groups] } : {}),
    ...(userInfo?.extra ? { extra: Object.fromEntries(Object.entries(userInfo.extra).map(([k, v]) => [k, [...v]])) } : {}),
  }
}

/** When each condition came to be what it is, where the client does not say. */
function stampConditions({ status }: CertificateSigningRequest, old: CertificateSigningRequest, now: string): void {
  if (!status?.conditions) return
  status.conditions = status.conditions.map((condition) => {
    const before = old.status?.conditions?.find((c) => c.type === condition.type)
    const since = before?.status === condition.status ? before?.lastTransitionTime : undefined
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? since ?? now,
    }
  })
}

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]

function validateAll(request: CertificateSigningRequest, old: CertificateSigningRequest | undefined): FieldError[] {
  const { spec, status } = request
  const errors: FieldError[] = []
  validateRequest(errors, spec?.request)
  const wanted = spec?.usages ?? []
  if (wanted.length === 0) errors.push(fieldErrors.required('spec.usages'))
  wanted.forEach((usage, i) => {
    if (!usages.includes(usage)) errors.push(fieldErrors.notSupported(`spec.usages[${i}]`, usage, usages))
  })
  wanted.forEach((usage, i) => {
    if (wanted.indexOf(usage) < i) errors.push(fieldErrors.duplicate(`spec.usages[${i}]`, usage))
  })
  validateSignerName(errors, spec?.signerName)
  const seconds = spec?.expirationSeconds
  if (seconds !== undefined && seconds < expirationSecondsMin)
    errors.push(fieldErrors.invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'))
  errors.push(...validateConditions(request))
  const fault = status?.certificate && status.certificate !== old?.status?.certificate ? certificateFault(status.certificate) : undefined
  if (fault) errors.push(fieldErrors.invalid('status.certificate', '<certificate data>', fault))
  return errors
}

function validateRequest(errors: Errors, request: string | undefined): void {
  const pem = request ? Buffer.from(request, 'base64').toString('latin1') : ''
  const isPem = /-----BEGIN CERTIFICATE REQUEST-----[\s\S]+-----END CERTIFICATE REQUEST-----/.test(pem)
  if (!isPem) errors.push(fieldErrors.invalid('spec.request', request || null, 'PEM block type must be CERTIFICATE REQUEST'))
}

/** Why what a signer wrote is no chain of certificates; undefined: it is. */
function certificateFault(certificate: string): string | undefined {
  const pem = Buffer.from(certificate, 'base64').toString('latin1')
  const types = [...pem.matchAll(/-----BEGIN ([^-\n]+)-----\r?\n[\s\S]*?-----END \1-----/g)].map(([, type = '']) => type)
  const foreign = types.find((type) => type !== 'CERTIFICATE')
  if (foreign !== undefined) return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(foreign)}`
  return types.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined
}

function validateSignerName(errors: Errors, name: string | undefined): void {
  const path = 'spec.signerName'
  if (!checkRequired(errors, path, name)) return
  const complain = (value: string, detail: string) => errors.push(fieldErrors.invalid(path, value, detail))
  if (name === 'kubernetes.io/legacy-unknown') {
    complain(name, 'the legacy signerName is not allowed via this API version')
    return
  }
  const segments = name!.split('/')
  const [domain = '', signer = ''] = segments
  if (segments.length !== 2) {
    complain(name!, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
    return
  }
  if (domain.length > domainLengthMax) errors.push(fieldErrors.tooLong(path, '', domainLengthMax))
  complainOfLabels(domain, dns1123Label, complain)
  if (!domain.includes('.')) complain(domain, 'should be a domain with at least two segments separated by dots')
  complainOfLabels(signer, dns1123Subdomain, complain)
  if (name!.length > nameLengthMax) errors.push(fieldErrors.tooLong(path, '', nameLengthMax))
}

/** Says what is wrong with the first label that is. */
function complainOfLabels(text: string, rule: Rule, complain: (value: string, detail: string) => void): void {
  const label = text.split('.').find((one) => rule(one).length > 0)
  if (label !== undefined) for (const message of rule(label)) complain(text, `validating label ${JSON.stringify(label)}: ${message}`)
}

function validateConditions({ status }: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  status?.conditions?.forEach(({ type, status: value }, i) => {
    const at = `status.conditions[${i}]`
    if (!checkRequired(errors, `${at}.type`, type)) return
    const isOneWay = type === 'Approved' || type === 'Denied' || type === 'Failed'
    const supported = isOneWay ? ['True'] : ['False', 'True', 'Unknown']
    if (!value) errors.push(fieldErrors.required(`${at}.status`))
    else if (!supported.includes(value)) errors.push(fieldErrors.notSupported(`${at}.status`, value, supported))
    if (seen.has(type)) errors.push(fieldErrors.duplicate(`${at}.type`, type))
    seen.add(type)
  })
  if (seen.has('Approved') && seen.has('Denied'))
    errors.push(fieldErrors.invalid('status.conditions', 'Denied', 'Approved and Denied conditions are mutually exclusive'))
  return errors
}

/** Who signs does not change a verdict: as many as there were stay as they were; one more or less is refused later. */
function keepConditions({ status }: CertificateSigningRequest, old: CertificateSigningRequest, type: string): void {
  const before = old.status?.conditions?.filter((condition) => condition.type === type) ?? []
  if (!status?.conditions || status.conditions.filter((condition) => condition.type === type).length !== before.length) return
  status.conditions = status.conditions.map((condition) => (condition.type === type ? before.shift()! : condition))
}

type Rights = { readonly approves?: true; readonly setsCertificate?: true }

/** A verdict is not taken back, and is given by who may approve; a certificate is given once, by its signer. */
function validateChange(
  { status }: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { approves, setsCertificate }: Rights,
): FieldError[] {
  const errors: FieldError[] = []
  const complain = (field: string, detail: string) => errors.push(fieldErrors.forbidden(field, detail))
  const of = (of: CertificateSigningRequest['status'], type: string) => of?.conditions?.filter((c) => c.type === type) ?? []
  for (const type of ['Approved', 'Denied', 'Failed'])
    if (of(status, type).length < of(old.status, type).length)
      complain('status.conditions', `updates may not remove a condition of type "${type}"`)
  for (const type of approves ? [] : approvalTypes) {
    const [after, before] = [of(status, type), of(old.status, type)]
    if (after.length > before.length) complain('status.conditions', `updates may not add a condition of type "${type}"`)
  }
  const [after = '', before = ''] = [status?.certificate, old.status?.certificate]
  if (after === before) return errors
  if (!setsCertificate) complain('status.certificate', 'updates may not set certificate content')
  else if (before !== '') complain('status.certificate', 'updates may not modify existing certificate content')
  return errors
}
