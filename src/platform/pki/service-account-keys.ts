import { join } from 'node:path'
import { readTextFile } from '../text-file.ts'
import { writeSecretFile } from './cluster-pki.ts'

/**
 * The keys of service accounts' tokens on disk, with kubeadm's names: `sa.key` signs, `sa.pub` holds every public key whose tokens are
 * taken. A new public key is written before its private one: whichever of the two a crash leaves, every token that was signed is still
 * taken.
 */
export function writeServiceAccountKeys(dir: string, pair: { readonly privateKey: string; readonly publicKey: string }): void {
  const write = (name: string, text: string) => {
    const file = join(dir, name)
    if (readTextFile(file) !== text) writeSecretFile(file, text)
  }
  write('sa.pub', pair.publicKey)
  write('sa.key', pair.privateKey)
}
