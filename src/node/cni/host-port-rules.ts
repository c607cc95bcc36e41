/**
 * The portmap plugin works through iptables and leaves its chains behind when the last host port is gone. Pure: the commands
 * that remove them, from `nft --json list table ip nat`. Rules of others stay, and so does the table while anything is in it.
 */
export function hostPortRemoval(listed: readonly unknown[]): string[] {
  const chains = listed.flatMap((item) => (item as { chain?: Chain }).chain ?? [])
  const rules = listed.flatMap((item) => (item as { rule?: Rule }).rule ?? [])
  const ours = chains.filter(({ name }) => isPluginChain(name)).map(({ name }) => name)
  if (ours.length === 0) return []
  const jumps = rules.filter(
    ({ chain, expr }) => !isPluginChain(chain) && (expr ?? []).some(({ jump }) => jump && isPluginChain(jump.target)),
  )
  const others = rules.filter((rule) => !isPluginChain(rule.chain) && !jumps.includes(rule))
  const hasOtherChains = chains.some(({ name, hook }) => !isPluginChain(name) && hook === undefined)
  if (others.length === 0 && !hasOtherChains) return ['delete table ip nat']
  return [
    ...jumps.map(({ chain, handle }) => `delete rule ip nat ${chain} handle ${handle}`),
    ...ours.map((name) => `flush chain ip nat ${name}`),
    ...ours.map((name) => `delete chain ip nat ${name}`),
  ]
}

type Chain = { readonly name: string; readonly hook?: string }
type Rule = { readonly chain: string; readonly handle: number; readonly expr?: readonly { readonly jump?: { readonly target: string } }[] }

function isPluginChain(name: string): boolean {
  return name.startsWith('CNI-HOSTPORT-') || /^CNI-(DN|SN)-/.test(name)
}
