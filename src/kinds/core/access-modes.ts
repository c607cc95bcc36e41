import { fieldErrors } from '../../machinery/field-error.ts'
import type { Errors } from '../checks.ts'

const shortNames: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

/** `RWO,ROX`, each mode once, in upstream's order. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return Object.keys(shortNames)
    .filter((mode) => modes?.includes(mode))
    .map((mode) => shortNames[mode])
    .join(',')
}

export function validateAccessModes(errors: Errors, modes: readonly string[], path: string): void {
  for (const mode of modes) if (!(mode in shortNames)) errors.push(fieldErrors.notSupported(path, mode, Object.keys(shortNames).sort()))
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod' && mode in shortNames))
    errors.push(fieldErrors.forbidden(path, 'may not use ReadWriteOncePod with other access modes'))
}
