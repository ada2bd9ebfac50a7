import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** A file of src/, its path written with `/`. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export interface SourceImport {
  readonly specifier: string
  /** What is taken from it by name, as it is called there; `*` for all of it. */
  readonly names: readonly string[]
  /** Gone when compiled. */
  readonly typeOnly: boolean
  /** Loaded when the code that says so runs. */
  readonly dynamic: boolean
}

const root = fileURLToPath(new URL('../../src', import.meta.url))

/** All files of src/. */
export function readSources(): readonly SourceFile[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({
      path: relative(root, file).replaceAll(sep, '/'),
      text: readFileSync(file, 'utf8'),
    }))
}

/** Everything that a file imports or re-exports. */
export function importsOf(file: SourceFile): readonly SourceImport[] {
  return nodesOf(file).flatMap((node): SourceImport[] => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      if (!node.moduleSpecifier || !ts.isStringLiteral(node.moduleSpecifier)) return []
      return [{ specifier: node.moduleSpecifier.text, ...namesOf(node), dynamic: false }]
    }
    const [argument] = ts.isCallExpression(node) ? node.arguments : []
    const isImport = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
    if (!isImport || !argument || !ts.isStringLiteral(argument)) return []
    return [{ specifier: argument.text, names: ['*'], typeOnly: false, dynamic: true }]
  })
}

/** Uses of global objects, as `console` or `process.env`; comments and strings do not count. */
export function globalsOf(file: SourceFile): readonly string[] {
  return nodesOf(file).flatMap((node) => {
    if (ts.isIdentifier(node) && node.text === 'console') return ['console']
    const isProcess =
      ts.isPropertyAccessExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === 'process'
    return isProcess ? [`process.${node.name.text}`] : []
  })
}

function nodesOf({ path, text }: SourceFile): readonly ts.Node[] {
  const nodes: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    nodes.push(node)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest))
  return nodes
}

function namesOf(
  node: ts.ImportDeclaration | ts.ExportDeclaration,
): Pick<SourceImport, 'names' | 'typeOnly'> {
  const clause = ts.isImportDeclaration(node) ? node.importClause : node
  const typeOnly = clause?.isTypeOnly ?? false
  const bindings = clause && ts.isImportClause(clause) ? clause.namedBindings : clause?.exportClause
  const hasDefault = clause && ts.isImportClause(clause) && clause.name
  if (hasDefault || !bindings || !('elements' in bindings)) return { names: ['*'], typeOnly }
  const elements: readonly (ts.ImportSpecifier | ts.ExportSpecifier)[] = [...bindings.elements]
  return {
    names: elements.map(({ name, propertyName = name }) => propertyName.text),
    typeOnly: typeOnly || elements.every((element) => element.isTypeOnly),
  }
}
