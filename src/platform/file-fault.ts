/** Why a file could not be read, in words; the system's own text says it three times over. */
export function fileFault(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code !== undefined && Object.hasOwn(faults, code) ? faults[code as keyof typeof faults] : message
}

const faults = {
  ENOENT: 'there is no such file',
  EACCES: 'you may not read it',
  EISDIR: 'it is a directory',
} as const
