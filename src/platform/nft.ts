import { runProgram } from './run-program.ts'

/** The kernel's packet filter. A transaction applies as a whole or not at all. */
export type Nft = {
  /** Applies the text of an nft file in one transaction; rejects with nft's message when the kernel refuses it. */
  apply(transaction: string): Promise<void>
  /** `nft --json list …`'s objects; undefined when the thing does not exist. `terse`: without the elements of sets. */
  list(args: readonly string[], options?: { readonly terse?: boolean }): Promise<readonly unknown[] | undefined>
}

const applyTimeoutMs = 30_000

/** In this process' network namespace, or in the one named. */
export function nftCommand(networkNamespace?: string): Nft {
  const run = (args: readonly string[], stdin?: string) => {
    const input = { timeoutMs: applyTimeoutMs, ...(stdin === undefined ? {} : { stdin }) }
    return networkNamespace
      ? runProgram('nsenter', [`--net=/run/netns/${networkNamespace}`, '--', 'nft', ...args], input)
      : runProgram('nft', args, input)
  }
  return {
    apply: async (transaction) => {
      const result = await run(['-f', '-'], transaction)
      if (result.code !== 0) throw new Error(`nft refused the transaction: ${result.stderr.trim().slice(0, 2000)}`)
    },
    list: async (args, options) => {
      const result = await run(['--json', ...(options?.terse ? ['--terse'] : []), 'list', ...args])
      if (result.code !== 0) return undefined
      return (JSON.parse(result.stdout) as { nftables: unknown[] }).nftables
    },
  }
}
