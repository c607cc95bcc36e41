/** A value as JSON with the line feed that upstream ends it with where it is not indented. */
export const jsonLine = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

/** A value as JSON for people to read, which no line feed ends, as upstream writes it. */
export const indentedJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value, undefined, 2))
