import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain, pathSegmentName } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkRequired, type Errors } from '../checks.ts'
import { column, nameColumn, ageColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatus } from '../define-kind.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../generated/types/certificates-v1.ts'
import { humanDuration } from '../human-duration.ts'
import type { PrepareContext } from '../kind.ts'

const expirationSecondsMin = 600
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
  prepareForStatusUpdate: (request, old) => {
    keepAllButStatus(request, old)
    // Approving is another subresource's right: what it wrote stays as it is.
    const conditions = request.status?.conditions?.filter((c) => !approvalTypes.includes(c.type)) ?? []
    const approvals = old.status?.conditions?.filter((c) => approvalTypes.includes(c.type)) ?? []
    if (approvals.length > 0 || request.status?.conditions)
      request.status = { ...request.status, conditions: [...approvals, ...conditions] }
  },
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validateRequest(errors, spec?.request)
    if (!spec?.usages?.length) errors.push(fieldErrors.required('spec.usages'))
    spec?.usages?.forEach((usage, i) => {
      if (spec.usages!.indexOf(usage) < i) errors.push(fieldErrors.duplicate(`spec.usages[${i}]`, usage))
    })
    validateSignerName(errors, spec?.signerName)
    const seconds = spec?.expirationSeconds
    if (seconds !== undefined && seconds < expirationSecondsMin)
      errors.push(fieldErrors.invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'))
    return errors
  },
  validateUpdate: (request, old) => immutableField(request.spec, old.spec, 'spec'),
  validateStatusUpdate: (request, old) => [...validateConditions(request), ...validateCertificate(request, old)],
  subresourceUpdates: {
    approval: {
      prepare: (request, old, { now }) => {
        const conditions = request.status?.conditions
        keepAllButStatus(request, old)
        const kept = conditions?.map((condition) => withTimes(condition, old, now))
        request.status = { ...old.status, ...(kept ? { conditions: kept } : {}) }
      },
      validate: (request, old) => [...validateConditions(request), ...validateApprovalsKept(request, old)],
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

function withTimes(
  condition: CertificateSigningRequestCondition,
  old: CertificateSigningRequest,
  now: string,
): CertificateSigningRequestCondition {
  const before = old.status?.conditions?.find((c) => c.type === condition.type)
  const isSame = before?.status === condition.status
  return {
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? now,
    lastTransitionTime: condition.lastTransitionTime ?? (isSame ? before?.lastTransitionTime : undefined) ?? now,
  }
}

function validateRequest(errors: Errors, request: string | undefined): void {
  const pem = request ? Buffer.from(request, 'base64').toString('latin1') : ''
  const isPem = /-----BEGIN CERTIFICATE REQUEST-----[\s\S]+-----END CERTIFICATE REQUEST-----/.test(pem)
  if (!isPem) errors.push(fieldErrors.invalid('spec.request', request ?? '', 'PEM block type must be CERTIFICATE REQUEST'))
}

function validateSignerName(errors: Errors, name: string | undefined): void {
  const path = 'spec.signerName'
  if (!checkRequired(errors, path, name)) return
  const [domain = '', ...segments] = name!.split('/')
  if (name === 'kubernetes.io/legacy-unknown') {
    errors.push(fieldErrors.invalid(path, name, 'the legacy signerName is not allowed via this API version'))
    return
  }
  if (segments.length === 0) {
    errors.push(fieldErrors.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"))
    return
  }
  const isQualified = domain.includes('.') && dns1123Subdomain(domain).length === 0
  if (!isQualified) errors.push(fieldErrors.invalid(path, name, 'should be a domain with at least two segments separated by dots'))
  for (const segment of segments.join('/').split('.'))
    for (const message of dns1123Subdomain(segment)) errors.push(fieldErrors.invalid(path, segment, message))
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

/** A verdict is not taken back. */
function validateApprovalsKept({ status }: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return (old.status?.conditions ?? [])
    .filter(({ type }) => ['Approved', 'Denied', 'Failed'].includes(type) && !status?.conditions?.some((c) => c.type === type))
    .map(({ type }) => fieldErrors.forbidden('status.conditions', `updates may not remove a condition of type "${type}"`))
}

function validateCertificate({ status }: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  const before = old.status?.certificate
  if (!before || deepEqual(status?.certificate, before)) return []
  return [fieldErrors.forbidden('status.certificate', 'updates may not set a new certificate value')]
}
