import ts from 'typescript';
import type { Sources } from './sources.ts';

type Exported = { name: string; kind: 'class' | 'error' | 'function' | 'type' | 'value' };

/** What a file exports by name; the default export, which only a task has, counts not. */
function exportsOf(path: string, text: string): Exported[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  return file.statements.flatMap((statement): Exported[] => {
    const flags = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    const has = (kind: ts.SyntaxKind): boolean => flags.some((flag) => flag.kind === kind);
    if (!has(ts.SyntaxKind.ExportKeyword) || has(ts.SyntaxKind.DefaultKeyword)) return [];
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.map(({ name }) => ({ name: name.getText(file), kind: 'value' }));
    }
    if (ts.isClassDeclaration(statement)) {
      const parents = statement.heritageClauses?.map((clause) => clause.getText(file)).join(' ') ?? '';
      return [{ name: statement.name!.text, kind: /extends \w*Error\b/.test(parents) ? 'error' : 'class' }];
    }
    if (ts.isFunctionDeclaration(statement)) return [{ name: statement.name!.text, kind: 'function' }];
    if (ts.isTypeAliasDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
      return [{ name: statement.name.text, kind: 'type' }];
    }
    return [];
  });
}

/** `name: file, file` for every name that more than one file exports: one word, one meaning. */
export function sharedNames(files: Sources): string[] {
  const where = new Map<string, string[]>();
  for (const [path, text] of files) {
    for (const { name } of exportsOf(path, text)) where.set(name, [...(where.get(name) ?? []), path]);
  }
  return [...where].filter(([, paths]) => paths.length > 1).map(([name, paths]) => `${name}: ${paths.join(', ')}`);
}

/**
 * Files whose classes are called something else than the file. The folder may say the first words: `telegram/client.ts` exports
 * `TelegramClient`. Errors are named for what happened, and lie with the code that throws them.
 */
export function misnamed(files: Sources): string[] {
  return [...files].flatMap(([path, text]) => {
    const classes = exportsOf(path, text)
      .filter(({ kind }) => kind === 'class')
      .map(({ name }) => name);
    if (classes.length === 0 || classes.some((name) => isNamedAs(path, name))) return [];
    return [`${path} exports ${classes.join(', ')}`];
  });
}

function isNamedAs(path: string, name: string): boolean {
  const said = wordsOf(path.split('/').at(-1)!.replace('.ts', ''));
  const words = wordsOf(name);
  return said.every((word) => words.includes(word));
}

/** Lower case, in the singular, so that `Broadcasts` and `broadcasts.ts` agree however each counts. */
const wordsOf = (name: string): string[] =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split('-')
    .map((word) => word.replace(/ies$/, 'y').replace(/s$/, ''));
