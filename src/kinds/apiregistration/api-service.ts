import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1035Label, dns1123Subdomain, pathSegmentName, portNumber } from '../../machinery/names.ts'
import { checkRequired } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { APIService } from '../generated/types/apiregistration-v1.ts'

const groupPriorityMax = 20_000
const versionPriorityMax = 1000

export const apiServices = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  categories: ['api-extensions'],
  validateName: (_name, { given, object: { spec } }) => {
    const messages = pathSegmentName(given)
    const wanted = `${spec?.version ?? ''}.${spec?.group ?? ''}`
    return messages.length > 0 || given === wanted ? messages : [`must be \`spec.version+"."+spec.group\`: "${wanted}"`]
  },
  applyDefaults: ({ spec }) => {
    if (spec?.service) spec.service.port ??= 443
  },
  prepareForCreate: (service, { now }) => {
    service.status = {}
    // A group without a service is served here, so it is there.
    if (!service.spec?.service)
      service.status.conditions = [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: now,
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ]
  },
  prepareForUpdate: (service, old) => copyField(service, old, 'status'),
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    if (!spec) return [fieldErrors.required('spec.version')]
    if (!spec.group && spec.version !== 'v1')
      errors.push(fieldErrors.required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
    if (spec.group) for (const message of dns1123Subdomain(spec.group)) errors.push(fieldErrors.invalid('spec.group', spec.group, message))
    for (const message of dns1035Label(spec.version ?? '')) errors.push(fieldErrors.invalid('spec.version', spec.version ?? '', message))
    const groupPriorityMinimum = spec.groupPriorityMinimum ?? 0
    const versionPriority = spec.versionPriority ?? 0
    if (groupPriorityMinimum <= 0 || groupPriorityMinimum > groupPriorityMax)
      errors.push(
        fieldErrors.invalid('spec.groupPriorityMinimum', groupPriorityMinimum, `must be positive and less than ${groupPriorityMax}`),
      )
    if (versionPriority <= 0 || versionPriority > versionPriorityMax)
      errors.push(fieldErrors.invalid('spec.versionPriority', versionPriority, `must be positive and less than ${versionPriorityMax}`))
    if (!spec.service) {
      if (spec.caBundle)
        errors.push(
          fieldErrors.invalid(
            'spec.caBundle',
            `${Buffer.from(spec.caBundle, 'base64').length} bytes`,
            'local APIServices may not have a caBundle',
          ),
        )
      if (spec.insecureSkipTLSVerify)
        errors.push(fieldErrors.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
      return errors
    }
    checkRequired(errors, 'spec.service.namespace', spec.service.namespace)
    checkRequired(errors, 'spec.service.name', spec.service.name)
    const { port } = spec.service
    if (port !== undefined)
      for (const message of portNumber(port)) errors.push(fieldErrors.invalid('spec.service.port', port, `port is not valid: ${message}`))
    if (spec.insecureSkipTLSVerify && spec.caBundle)
      errors.push(fieldErrors.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
    return errors
  },
  columns: [
    nameColumn,
    column.string('Service', ({ spec }) => (spec?.service ? `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}` : 'Local')),
    column.string('Available', ({ status }) => {
      const available = status?.conditions?.find((c) => c.type === 'Available')
      if (!available) return 'Unknown'
      return available.status === 'True' ? 'True' : `${available.status}${available.reason ? ` (${available.reason})` : ''}`
    }),
    ageColumn,
  ],
  allowUnconditionalUpdate: false,
})
