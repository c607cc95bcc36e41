import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import type { Attributes, Authorizer } from '../../apiserver/contract.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { type AccessFlagValues, readAccessOptions } from './access-options.ts'

const dir = mkdtempSync(join(tmpdir(), 'keelson-access-'))
after(() => rmSync(dir, { recursive: true }))
const parts = { clock: systemClock, random: seededRandom(1), log: silentLog }
const file = (name: string, text: string) => {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}
const kubeconfig = file(
  'hook.kubeconfig',
  `current-context: a
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1/authorize"}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
`,
)
const authorization = (authorizers: string) =>
  `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers: ${authorizers}\n`
const admission = (plugins: string) => `apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: ${plugins}\n`
const authentication = (more: string) => `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n${more}\n`

const never: Authorizer = {
  authorize: () => ({ allowed: false, reason: '' }),
  rulesFor: () => ({ resourceRules: [], nonResourceRules: [] }),
}
const question: Attributes = { type: 'path', user: { name: 'ann', groups: [] }, verb: 'get', path: '/x' }

const faults: readonly (readonly [flags: AccessFlagValues, message: RegExp])[] = [
  [{ 'goaway-chance': '0.03' }, /goaway-chance.*fraction between 0 and 0.02/],
  [{ 'goaway-chance': '-1' }, /goaway-chance.*fraction between 0 and 0.02/],
  [{ 'authorization-mode': 'RBAC,Magic' }, /authorization-mode "Magic" is not a valid mode/],
  [{ 'authorization-mode': 'RBAC,RBAC' }, /authorization-mode "RBAC" has mode specified more than once/],
  [{ 'authorization-mode': 'RBAC,ABAC' }, /authorization-mode ABAC's authorization policy file not passed/],
  [{ 'authorization-policy-file': kubeconfig }, /cannot specify --authorization-policy-file without mode ABAC/],
  [{ 'authorization-mode': 'ABAC', 'authorization-policy-file': kubeconfig }, /error reading policy file .*, line 1/],
  [{ 'authorization-mode': 'Webhook' }, /authorization-mode Webhook's authorization config file not passed/],
  [{ 'authorization-webhook-config-file': kubeconfig }, /cannot specify --authorization-webhook-config-file without mode Webhook/],
  [
    { 'authorization-config': file('a.yaml', authorization('[{type: RBAC, name: rbac}]')), 'authorization-mode': 'RBAC' },
    /--authorization-config can not be specified when --authorization-mode or --authorization-webhook-\* flags are defined/,
  ],
  [{ 'authorization-config': '/nowhere' }, /cannot use --authorization-config: ENOENT/],
  [{ 'authorization-config': file('b.yaml', authorization('[{type: Webhook, name: a}]')) }, /authorizers\[0\]\.webhook: Required value/],
  [
    { 'authentication-config': file('c.yaml', authentication('jwt: []')), 'oidc-client-id': 'x' },
    /authentication-config file and oidc-\* flags are mutually exclusive/,
  ],
  [
    { 'authentication-config': file('d.yaml', authentication('anonymous: {enabled: true}')), 'anonymous-auth': 'true' },
    /--anonymous-auth flag cannot be set when anonymous field is configured/,
  ],
  [{ 'authentication-token-webhook-config-file': kubeconfig, 'authentication-token-webhook-version': 'v2' }, /it is one of v1, v1beta1/],
  [{ 'requestheader-client-ca-file': kubeconfig }, /cannot use --requestheader-client-ca-file/],
  [{ 'requestheader-uid-headers': 'X-Uid' }, /without specifying the standard X-Remote-Uid header/],
  [{ 'anonymous-auth': 'perhaps' }, /it is true or false/],
  [{ 'admission-control-config-file': file('e.yaml', admission('[{name: Magic}]')) }, /"Magic" is no admission plugin/],
  [
    { 'admission-control-config-file': file('f.yaml', admission('[{name: ResourceQuota, configuration: {a: b}}]')) },
    /the admission plugin ResourceQuota takes no configuration/,
  ],
  [{ 'admission-control-config-file': file('g.yaml', admission('[{name: PodSecurity, path: /nowhere}]')) }, /ENOENT/],
  [{ 'audit-log-path': '-' }, /--audit-policy-file goes together with --audit-log-path/],
  [{ 'service-account-max-token-expiration': '5m' }, /at least an hour/],
]
for (const [flags, message] of faults)
  test(`refused: ${message.source}`, () => assert.rejects(() => readAccessOptions(flags, parts), { message, exitCode: 2 }))

test('modes decide in their order', async () => {
  const policies = file('abac.jsonl', '# of ann\n{"user": "ann"}\n')
  for (const [mode, allowed, more] of [
    ['RBAC,AlwaysAllow', true, {}],
    ['Node,RBAC', false, {}],
    ['RBAC,ABAC', true, { 'authorization-policy-file': policies }],
  ] as const) {
    const { options, close } = await readAccessOptions({ 'authorization-mode': mode, ...more }, parts)
    const authorizer = options.access!.chooseAuthorizers!({ node: never, rbac: never })
    assert.equal((await authorizer.authorize(question)).allowed, allowed)
    await close()
  }
})

test("Pod Security's configuration is read from the file or from one that it names", async () => {
  const group = 'pod-security.admission.config.k8s.io/v1'
  file('pod-security.yaml', `apiVersion: ${group}\nkind: PodSecurityConfiguration\nexemptions: {usernames: [ann]}\n`)
  const within = `configuration: {apiVersion: ${group}, kind: PodSecurityConfiguration, exemptions: {usernames: [ann]}}`
  for (const [i, plugin] of [`{name: PodSecurity, path: pod-security.yaml}`, `{name: PodSecurity, ${within}}`].entries()) {
    const path = file(`admission-${i}.yaml`, admission(`[${plugin}]`))
    const { options, close } = await readAccessOptions({ 'admission-control-config-file': path }, parts)
    assert.deepEqual([...options.podSecurity!.exemptions.usernames], ['ann'])
    await close()
  }
})

test('without flags nothing is chosen', async () => {
  const { options, close } = await readAccessOptions({}, parts)
  assert.equal(options.access?.chooseAuthorizers, undefined)
  assert.equal(options.access?.allowsAnonymous, undefined)
  await close()
})

/** Files are followed by the kernel's word: a condition is waited for, not a time. */
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('changed files are read anew; one that cannot be used changes nothing', async () => {
  const authz = file('live-authz.yaml', authorization('[{type: AlwaysAllow, name: all}]'))
  const authn = file('live-authn.yaml', authentication('anonymous: {enabled: true, conditions: [{path: /livez}]}'))
  const { options, close } = await readAccessOptions({ 'authorization-config': authz, 'authentication-config': authn }, parts)
  const { chooseAuthorizers, allowsAnonymous } = options.access!
  const authorizer = chooseAuthorizers!({ node: never, rbac: never })
  const allowed = async () => (await authorizer.authorize(question)).allowed
  assert.equal(await allowed(), true)
  assert.deepEqual([allowsAnonymous!('/livez'), allowsAnonymous!('/x')], [true, false])
  file('live-authz.yaml', authorization('[{type: Magic, name: all}]'))
  file('live-authn.yaml', authentication('anonymous: {enabled: true}'))
  await until(() => allowsAnonymous!('/x'))
  assert.equal(await allowed(), true)
  file('live-authz.yaml', authorization('[{type: RBAC, name: rbac}]'))
  await until(async () => !(await allowed()))
  await close()
})

test("further front proxies are trusted beside the cluster's own", async () => {
  const { options, close } = await readAccessOptions(
    { 'requestheader-allowed-names': 'gate', 'requestheader-username-headers': 'X-Remote-User,X-Name' },
    parts,
  )
  assert.deepEqual(options.access?.requestHeaders, {
    usernameHeaders: ['x-remote-user', 'x-name'],
    uidHeaders: ['x-remote-uid'],
    groupHeaders: ['x-remote-group'],
    extraHeaderPrefixes: ['x-remote-extra-'],
    allowedNames: ['gate', 'front-proxy-client'],
  })
  await close()
})
