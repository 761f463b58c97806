import ts from 'typescript';
import type { TaskRegistry } from '../../src/runtime/registry.ts';
import type { Sources } from './sources.ts';

/** Paths and the names that may stand there as text. */
export type Exceptions = Readonly<Record<string, readonly string[]>>;

/**
 * `path: name` for every text in the code in which a task's name or alias stands, and `path: word for name` where one is misspelt, except
 * in the task's own file. Text is what no compiler looks at: it goes on naming a task that was renamed, and a typing error stays in it.
 */
export function namesInText(files: Sources, registry: Pick<TaskRegistry, 'tasks'>, except: Exceptions = {}): string[] {
  const owners = new Map(registry.tasks.flatMap((task) => namesOf(task).map((name) => [name, fileOf(task)] as const)));
  const found = [...files].flatMap(([path, text]) =>
    wordsInText(path, text).flatMap((word) => {
      if (owners.has(word))
        return owners.get(word) === path || except[path]?.includes(word) ? [] : [`${path}: ${word}`];
      const meant = [...owners.keys()].find((name) => isMisspelt(word, name));
      return meant === undefined || except[path]?.includes(word) ? [] : [`${path}: ${word} for ${meant}`];
    }),
  );
  return [...new Set(found)];
}

/** The files that call this method, whatever of. */
export function callersOf(method: string, files: Sources): string[] {
  return [...files].filter(([, text]) => text.includes(`.${method}(`)).map(([path]) => path);
}

type Named = TaskRegistry['tasks'][number];

const namesOf = ({ aliases = [], name }: Named): string[] => [
  name,
  ...aliases.map((alias) => (typeof alias === 'string' ? alias : alias.name)),
];

const fileOf = ({ name, queue }: Named): string => `tasks/${queue}/${name.replaceAll('_', '-')}.ts`;

/** The words_with_underscores in string literals and in the texts of templates. */
function wordsInText(path: string, text: string): string[] {
  const words: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      words.push(...(node.text.match(/[a-z][a-z0-9]*(?:_[a-z0-9]+)+/g) ?? []));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return words;
}

/** Whether the two differ by one typing error: at most two letters of each, next to each other. */
function isMisspelt(word: string, name: string): boolean {
  if (Math.abs(word.length - name.length) > 2) return false;
  const shorter = Math.min(word.length, name.length);
  let start = 0;
  while (start < shorter && word[start] === name[start]) start += 1;
  let end = 0;
  while (end < shorter - start && word.at(-1 - end) === name.at(-1 - end)) end += 1;
  return Math.max(word.length, name.length) - start - end <= 2;
}
