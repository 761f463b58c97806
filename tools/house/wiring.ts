import ts from 'typescript';
import type { Sources } from './sources.ts';

/** A class that stands on a connection: whose constructor is given one as its first argument. */
const ON_A_CONNECTION = /^(database|db|queues|redis)\b/;

/**
 * `Class: file, file` for every store that is built in more than one file, so that two of them could disagree. One that works inside a
 * transaction is built for it each time.
 */
export function builtTwice(files: Sources): string[] {
  const trees = [...files].map(([path, text]) => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  const stores = new Set(trees.flatMap(storesIn));
  const places = new Map<string, string[]>();
  for (const tree of trees) {
    const visit = (node: ts.Node): void => {
      if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && stores.has(node.expression.text)) {
        const isOfTransaction = node.arguments?.[0]?.getText(tree) === 'transaction';
        const name = node.expression.text;
        if (!isOfTransaction) places.set(name, [...(places.get(name) ?? []), tree.fileName]);
      }
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
  return [...places]
    .map(([name, paths]) => [name, [...new Set(paths)]] as const)
    .filter(([, paths]) => paths.length > 1)
    .map(([name, paths]) => `${name}: ${paths.join(', ')}`);
}

function storesIn(tree: ts.SourceFile): string[] {
  return tree.statements.filter(ts.isClassDeclaration).flatMap(({ members, name }) => {
    const isExported = tree.text.includes(`export class ${name?.text}`);
    const first = members.find(ts.isConstructorDeclaration)?.parameters[0]?.name.getText(tree) ?? '';
    return isExported && ON_A_CONNECTION.test(first) ? [name!.text] : [];
  });
}
