import { runProgramChecked } from '../../platform/run-program.ts'

/** Loads an OCI image layout (as a tar) into the engine's CRI namespace. Images get the names that the layout annotates. */
export async function importImages(socket: string, layoutTar: Uint8Array): Promise<void> {
  await runProgramChecked('ctr', ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', '-'], { stdin: layoutTar })
}
