import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { toTime } from '../base/clock.ts'
import { serverTokenExpiry, serverTokenSecret, serverTokenType } from '../apiserver/authn/server-tokens.ts'
import type { Client } from '../client/contract.ts'
import { secrets } from '../kinds/core/secret.ts'
import type { Secret } from '../kinds/generated/types/core-v1.ts'
import type { Console } from './console.ts'
import { formatDuration } from './duration.ts'

/**
 * `keelson token create`: a bootstrap token (a Secret of the standard type) that lets one more agent join for `ttlSeconds`.
 * Prints the command to run there; with `quiet` only the token.
 */
export async function createToken(
  context: { client: Client; clock: Clock; random: Random; console: Console },
  options: { ttlSeconds: number; server: string; caHash: string; quiet: boolean },
): Promise<string> {
  const id = tokenPart(context.random, 6)
  const secret = tokenPart(context.random, 16)
  await context.client
    .resource(secrets, 'kube-system')
    .create(bootstrapSecret({ id, secret, expiresAtMs: context.clock.now() + options.ttlSeconds * 1000 }))
  const token = `${id}.${secret}`
  if (options.quiet) context.console.out(token)
  else {
    context.console.say(`the token is valid for ${formatDuration(options.ttlSeconds)}; on the machine that shall join, run:`)
    context.console.out(`./keelson agent --server ${options.server} --token ${token} --ca-hash ${options.caHash}`)
  }
  return token
}

/**
 * `keelson token create --server`: a token that lets more servers join for `ttlSeconds`; only its hash is stored. Tokens of this kind
 * that are over are removed on the way.
 */
export async function createServerToken(
  context: { client: Client; clock: Clock; random: Random; console: Console },
  options: { ttlSeconds: number; server: string; caHash: string; quiet: boolean },
): Promise<void> {
  const nowMs = context.clock.now()
  const stored = context.client.resource(secrets, 'kube-system')
  const { items } = await stored.list({ fieldSelector: `type=${serverTokenType}` })
  const over = items.filter((secret) => !(serverTokenExpiry(secret) > nowMs))
  await Promise.all(over.map((secret) => stored.delete(secret.metadata.name!).catch(() => undefined)))
  const [id, secret] = [tokenPart(context.random, 6), tokenPart(context.random, 32)]
  await stored.create(serverTokenSecret({ id, secret, expiresAtMs: nowMs + options.ttlSeconds * 1000 }))
  const token = `server.${id}.${secret}`
  if (options.quiet) return context.console.out(token)
  context.console.say(
    `the token opens all keys of the cluster and is valid for ${formatDuration(options.ttlSeconds)}; on the machine that shall join, run:`,
  )
  context.console.out(`KEELSON_TOKEN=${token} ./keelson server --join ${options.server} --ca-hash ${options.caHash}`)
}

/** Pure: the Secret that stands for a bootstrap token. */
export function bootstrapSecret(options: { id: string; secret: string; expiresAtMs: number }): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${options.id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': options.id,
      'token-secret': options.secret,
      expiration: toTime(options.expiresAtMs),
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': 'system:bootstrappers:keelson:agent',
    },
  }
}

const tokenAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

function tokenPart(random: Random, length: number): string {
  return Array.from({ length }, () => tokenAlphabet[random.below(tokenAlphabet.length)]).join('')
}
