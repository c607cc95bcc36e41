import { globSync, readFileSync } from 'node:fs'

export type SourceFile = { readonly path: string; readonly text: string; readonly isTest: boolean }

/** Every TypeScript file of the tree outside generated data, read once. */
export function sourceFiles(pattern = '{src,test,bench,scripts,examples}/**/*.ts'): SourceFile[] {
  return globSync(pattern, { exclude: ['**/node_modules/**', 'src/kinds/generated/**'] })
    .sort()
    .map((path) => ({ path, text: readFileSync(path, 'utf8'), isTest: /\.test\.ts$|^test\//.test(path) }))
}
