// node test/upstream/record-kubectl.ts --kubeconfig FILE
// Has `kubectl` print objects of a Kubernetes API server of 1.36 without controllers, for `kubectl.test.ts` to compare with.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { kubectlOutput } from './kubectl-output.ts'

const { kubeconfig } = parseArgs({ options: { kubeconfig: { type: 'string' } } }).values
if (!kubeconfig) throw new Error('--kubeconfig is needed')
const dir = await mkdtemp(join(tmpdir(), 'keelson-kubectl-'))
await writeFile(new URL('kubectl.txt', import.meta.url), await kubectlOutput(kubeconfig, dir))
await rm(dir, { recursive: true })
