import ts from 'typescript';
import type { Sources } from './sources.ts';

/** The places in these files that call `JSON.parse` or hand it on, as `path:line`. */
export function parsersIn(files: Sources): string[] {
  return [...files].flatMap(([path, text]) => {
    if (!text.includes('JSON')) return [];
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      const isNamed = ts.isPropertyAccessExpression(node) && node.name.text === 'parse';
      if (isNamed && ts.isIdentifier(node.expression) && node.expression.text === 'JSON')
        found.push(`${path}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`);
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  });
}
