import type { Words } from './words.ts'

const reviewStatus = 'What the server answers.'
const reviewSpec = 'What is asked.'
const rules = 'Which requests are meant.'

const webhook = {
  '': 'An HTTPS server that is asked before something is written.',
  admissionReviewVersions: 'Versions of AdmissionReview that it understands, the preferred one first.',
  clientConfig: 'Where it is.',
  reinvocationPolicy: 'Whether it is asked again when others change the object after it: Never (default) or IfNeeded.',
  rules,
  sideEffects: 'Whether asking has effects elsewhere: None, or NoneOnDryRun.',
  timeoutSeconds: 'Seconds until it counts as failed; 10 by default.',
}
const policySpec = {
  auditAnnotations: 'What is written into the audit log.',
  matchConstraints: rules,
  mutations: 'How the object is changed.',
  paramKind: 'Kind of the objects that hold parameters.',
  reinvocationPolicy: 'Whether it is applied again when others change the object after it: Never or IfNeeded.',
  validations: 'What must be true.',
}
const bindingSpec = {
  matchResources: 'Which of the requests are meant; all by default.',
  paramRef: 'The objects that hold parameters.',
  policyName: 'Name of the policy.',
  validationActions: 'What becomes of what is wrong: Deny, Warn, Audit.',
}
const operations = 'CREATE, UPDATE, DELETE, CONNECT; * is all.'
const service = { '': 'A service.', path: 'Path of the requests.', port: 'Port of the service; 443 by default.' }
const subjectGroup = { '': 'A group of users.' }

/** Who may do what, how that is found out, and what is looked at before something is written. */
export const access = (): Words => ({
  BoundObjectReference: { '': 'The object that a token is good as long as.' },
  SelfSubjectReview: { '': 'Asks who one is.', status: reviewStatus },
  SelfSubjectReviewStatus: { '': reviewStatus, userInfo: 'Who one is.' },
  TokenRequest: { '': 'Asks for a token of a service account.', spec: reviewSpec, status: reviewStatus },
  TokenRequestSpec: {
    '': reviewSpec,
    boundObjectRef: 'An object: the token is good as long as it exists.',
    expirationSeconds: 'For how long it is good; an hour by default.',
  },
  TokenRequestStatus: { '': reviewStatus, expirationTimestamp: 'Until when it is good.', token: 'The token.' },
  TokenReview: { '': 'Asks whose a token is.', spec: reviewSpec, status: reviewStatus },
  TokenReviewSpec: { '': reviewSpec, audiences: 'Whom it should be for.', token: 'The token.' },
  TokenReviewStatus: {
    '': reviewStatus,
    audiences: 'Whom it is for, of those that were asked.',
    authenticated: 'Whether it is good.',
    error: 'Why it is not.',
    user: 'Whose it is.',
  },
  UserInfo: { '': 'A user.', username: 'Name of the user.' },
  FieldSelectorAttributes: { '': 'A field selector of a request.', rawSelector: 'As text.', requirements: 'As conditions.' },
  LabelSelectorAttributes: { '': 'A label selector of a request.', rawSelector: 'As text.', requirements: 'As conditions.' },
  LocalSubjectAccessReview: { '': 'Asks whether somebody may do something in a namespace.', spec: reviewSpec, status: reviewStatus },
  NonResourceAttributes: { '': 'A request for a path.', path: 'The path.', verb: 'The verb, such as get.' },
  NonResourceRule: { '': 'Paths and what may be done with them.', nonResourceURLs: 'The paths.' },
  ResourceAttributes: {
    '': 'A request for a resource.',
    fieldSelector: 'Its field selector.',
    group: 'API group; * is all.',
    labelSelector: 'Its label selector.',
    name: 'Name of the object; empty for all.',
    namespace: 'The namespace; empty for all, or for none.',
    resource: 'The resource; * is all.',
    subresource: 'The subresource, such as status.',
    verb: 'get, list, watch, create, update, patch, delete, …; * is all.',
    version: 'Version of the group; * is all.',
  },
  ResourceRule: { '': 'Resources and what may be done with them.', resources: 'The resources; * is all.' },
  SelfSubjectAccessReview: { '': 'Asks whether one may do something.', spec: reviewSpec, status: reviewStatus },
  SelfSubjectAccessReviewSpec: {
    '': reviewSpec,
    nonResourceAttributes: 'A request for a path.',
    resourceAttributes: 'A request for a resource.',
  },
  SelfSubjectRulesReview: { '': 'Asks what one may do in a namespace.', spec: reviewSpec, status: reviewStatus },
  SelfSubjectRulesReviewSpec: { '': reviewSpec },
  SubjectAccessReview: { '': 'Asks whether somebody may do something.', spec: reviewSpec, status: reviewStatus },
  SubjectAccessReviewSpec: {
    '': reviewSpec,
    nonResourceAttributes: 'A request for a path.',
    resourceAttributes: 'A request for a resource.',
    user: 'Name of the user.',
  },
  SubjectAccessReviewStatus: {
    '': reviewStatus,
    allowed: 'Whether it is allowed.',
    denied: 'Whether it is refused, whatever others say.',
    evaluationError: 'What went wrong on the way.',
    reason: 'Why.',
  },
  SubjectRulesReviewStatus: {
    '': reviewStatus,
    evaluationError: 'What went wrong on the way.',
    incomplete: 'Whether more may be allowed than is listed.',
    nonResourceRules: 'Paths.',
    resourceRules: 'Resources.',
  },

  AggregationRule: { '': 'Which other roles a role is made of.', clusterRoleSelectors: 'Select those roles by their labels.' },
  ClusterRole: { aggregationRule: 'Which other roles it is made of.', rules: 'What is allowed.' },
  ClusterRoleBinding: { roleRef: 'The role.', subjects: 'Those who get it.' },
  PolicyRule: { '': 'What is allowed.', nonResourceURLs: 'Paths, which may end in *; for ClusterRoles.' },
  RoleBinding: { roleRef: 'The role.', subjects: 'Those who get it.' },
  RoleRef: { '': 'A role.' },
  Subject: {
    '': 'A user, a group or a service account.',
    group: 'A group, for kind Group.',
    serviceAccount: 'A service account, for kind ServiceAccount.',
    user: 'A user, for kind User.',
  },

  CertificateSigningRequest: {
    '': 'Asks for a certificate.',
    spec: 'What is asked for.',
    status: 'Whether it was approved, and the certificate.',
  },
  CertificateSigningRequestSpec: {
    '': 'What is asked for.',
    expirationSeconds: 'For how long it should be good.',
    request: 'The request, in PKCS #10, as PEM.',
    signerName: 'Who should sign it.',
    usages: 'What it is for, such as client auth.',
    username: 'Who asks; set by the server.',
  },
  CertificateSigningRequestStatus: { '': 'Whether it was approved, and the certificate.', certificate: 'The certificates, as PEM.' },

  ApplyConfiguration: { '': 'A change as server-side apply makes it.' },
  AuditAnnotation: { '': 'What is written into the audit log.', key: 'Its name.', valueExpression: 'Its text, in CEL; null for none.' },
  ExpressionWarning: { '': 'What is wrong with an expression.', fieldRef: 'The field that holds it.', warning: 'What is wrong.' },
  JSONPatch: { '': 'A change as a JSON patch.' },
  MatchCondition: { '': 'An expression that must be true.', name: 'What it is called in messages.' },
  MatchResources: {
    '': rules,
    excludeResourceRules: 'Requests that are not meant.',
    resourceRules: rules,
  },
  MutatingAdmissionPolicy: { '': 'Changes what is written, by expressions.' },
  MutatingAdmissionPolicyBinding: { '': 'Puts a policy in force, with its parameters.' },
  MutatingAdmissionPolicyBindingSpec: { '': 'What is in force, and where.', ...without(bindingSpec, 'validationActions') },
  MutatingAdmissionPolicySpec: { '': 'What is changed, and how.', ...without(policySpec, 'auditAnnotations', 'validations') },
  MutatingWebhook: webhook,
  MutatingWebhookConfiguration: { '': 'HTTPS servers that may change what is written.', webhooks: 'The servers.' },
  Mutation: {
    '': 'One change.',
    applyConfiguration: 'As server-side apply makes it.',
    jsonPatch: 'As a JSON patch.',
    patchType: 'ApplyConfiguration or JSONPatch.',
  },
  NamedRuleWithOperations: { '': rules, operations, resources: 'Resources, or resource/subresource; * is all.' },
  ParamKind: { '': 'Kind of the objects that hold parameters.' },
  ParamRef: {
    '': 'The objects that hold parameters.',
    name: 'One of them.',
    namespace: "Their namespace; the request's own by default.",
    parameterNotFoundAction: 'What becomes of a request when there is none: Allow or Deny.',
    selector: 'Selects several.',
  },
  RuleWithOperations: { '': rules, operations, resources: 'Resources, or resource/subresource; * is all.' },
  ServiceReference: service,
  TypeChecking: { '': 'What is wrong with expressions.', expressionWarnings: 'Each of them.' },
  ValidatingAdmissionPolicy: { '': 'Refuses what is written, by expressions.' },
  ValidatingAdmissionPolicyBinding: { '': 'Puts a policy in force, with its parameters.' },
  ValidatingAdmissionPolicyBindingSpec: { '': 'What is in force, and where.', ...bindingSpec },
  ValidatingAdmissionPolicySpec: { '': 'What must be true, and of what.', ...without(policySpec, 'mutations', 'reinvocationPolicy') },
  ValidatingAdmissionPolicyStatus: { '': 'What is wrong with a policy.', typeChecking: 'What is wrong with its expressions.' },
  ValidatingWebhook: without(webhook, 'reinvocationPolicy'),
  ValidatingWebhookConfiguration: { '': 'HTTPS servers that may refuse what is written.', webhooks: 'The servers.' },
  Validation: {
    '': 'What must be true.',
    message: 'What is said when it is not.',
    messageExpression: 'The same, in CEL.',
    reason: 'The reason of the refusal, in one word; Invalid by default.',
  },
  Variable: { '': 'An expression with a name.', name: 'Others use it as variables.NAME.' },
  WebhookClientConfig: { '': 'Where an HTTPS server is: a service or a URL.' },

  ExemptPriorityLevelConfiguration: {
    '': 'Requests that never wait.',
    lendablePercent: 'How much of its share others may use meanwhile.',
    nominalConcurrencyShares: 'Its share of the server.',
  },
  FlowDistinguisherMethod: { '': 'What makes two flows of requests.', type: 'ByUser or ByNamespace.' },
  FlowSchema: { '': 'Which requests go to which priority level.' },
  FlowSchemaSpec: {
    '': 'Which requests go to which priority level.',
    distinguisherMethod: 'What makes two flows; absent: all are one.',
    matchingPrecedence: 'Lower numbers are looked at first.',
    priorityLevelConfiguration: 'The priority level.',
    rules,
  },
  FlowSchemaStatus: { '': 'What is wrong with it.' },
  GroupSubject: subjectGroup,
  LimitResponse: { '': 'What becomes of requests that find no seat.', queuing: 'How they wait.', type: 'Queue or Reject.' },
  LimitedPriorityLevelConfiguration: {
    '': 'Requests that share a part of the server.',
    borrowingLimitPercent: 'How much it may take from others, in percent of its own share.',
    lendablePercent: 'How much of its share others may use meanwhile.',
    limitResponse: 'What becomes of requests that find no seat.',
    nominalConcurrencyShares: 'Its share of the server; 30 by default.',
  },
  NonResourcePolicyRule: { '': 'Requests for paths.', nonResourceURLs: 'The paths, which may end in *.' },
  PolicyRulesWithSubjects: {
    '': rules,
    nonResourceRules: 'Requests for paths.',
    resourceRules: 'Requests for resources.',
    subjects: 'Whose requests.',
  },
  PriorityLevelConfiguration: { '': 'A part of the server for some of the requests.' },
  PriorityLevelConfigurationReference: { '': 'A priority level.' },
  PriorityLevelConfigurationSpec: {
    '': 'How big the part is, and what becomes of requests that find no seat.',
    exempt: 'For type Exempt.',
    limited: 'For type Limited.',
    type: 'Limited or Exempt.',
  },
  PriorityLevelConfigurationStatus: { '': 'What is wrong with it.' },
  QueuingConfiguration: {
    '': 'How requests wait.',
    handSize: 'How many queues a flow may use.',
    queueLengthLimit: 'How many requests may wait in a queue.',
    queues: 'How many queues there are.',
  },
  ResourcePolicyRule: {
    '': 'Requests for resources.',
    clusterScope: 'Whether requests without a namespace are meant, too.',
    namespaces: 'Namespaces; * is all.',
    resources: 'The resources; * is all.',
  },
  ServiceAccountSubject: { '': 'A service account.', name: 'Its name; * is all.' },
  UserSubject: { '': 'A user.', name: 'Name of the user; * is all.' },
})

function without(words: Readonly<Record<string, string>>, ...fields: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(words).filter(([field]) => !fields.includes(field)))
}
