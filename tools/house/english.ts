import ts from 'typescript';
import type { Sources } from './sources.ts';

/** The documents of the original specification, which are not in this repository; `docs/tasks.md` is another one. */
const ELSEWHERE = /(?<!docs\/)\b(product|tasks|data|quality|faults|alerts|interfaces|originals)\.md\b/;

/** Words that comments do not use, with the words to use instead. docs/style.md has the rules. */
const INSTEAD: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bcan not\b/i, 'cannot'],
  [/\bfor ever\b/i, 'forever'],
  [/\bfor good\b/i, 'permanently'],
  [/\b(whoever|whomever)\b/i, 'the caller, or who it is'],
  [/\bwhatever\b/i, 'any, or what it is'],
  [/\bwhichever\b/i, 'either, or which one it is'],
  [/\bwho calls\b/i, 'the caller'],
  [/\bwho asks\b/i, 'the caller'],
  [/\b(in hand|under way)\b/i, 'in progress'],
  [/\bat hand\b/i, 'current'],
  [/\b(what|who) (is|are) left\b/i, 'remaining'],
  [/\bby itself\b/i, 'on its own, or say who does it'],
  [/\b(be it|be they)\b/i, 'whether'],
  [/\ball the same\b/i, 'anyway'],
  [/\bas good as\b/i, 'almost, or the plain fact'],
  [/\b(so|too) that none\b/i, 'so that no … (name it)'],
  [/\b(that|which|what) (is|are) none\b/i, 'is not a …'],
  [/(^|[;:] |[.?] )were \w+/i, 'if … is'],
  [
    /(^|[.?:;] )(What it|What is|What was|What has|What they|Of that|Of this|Of them|Of these|Of those)\b/,
    'subject, verb, object',
  ],
  [/(^|[.?] )Who (?!may\b)/, 'a subject: the caller, a customer, a worker'],
  [ELSEWHERE, 'the rule itself, or a document under docs/'],
];

/** Of these, the words that no text for people has either: messages, errors, log lines, descriptions. */
const IN_STRINGS = INSTEAD.slice(0, 2);

/** `file:line: 'found', say instead` for every comment and every string of the sources. */
export function oddEnglish(files: Sources): string[] {
  return [...files].flatMap(([path, text]) => {
    const tree = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);
    return [...oddIn(path, commentsOf(tree, text), INSTEAD), ...oddIn(path, stringsOf(tree), IN_STRINGS)];
  });
}

type Words = { readonly line: number; readonly words: string };

function oddIn(path: string, texts: readonly Words[], rules: typeof INSTEAD): string[] {
  return texts.flatMap(({ line, words }) =>
    rules.flatMap(([pattern, instead]) => {
      const found = pattern.exec(words)?.[0];
      return found === undefined ? [] : [`${path}:${line}: '${found.replace(/^\W+/, '').trim()}', say ${instead}`];
    }),
  );
}

/** Every string, and every piece of a template between its values. */
function stringsOf(tree: ts.SourceFile): Words[] {
  const found: Words[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      found.push({ line: tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1, words: node.text });
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** Every comment as one line of words, without its stars and slashes; line comments that follow each other are one. */
function commentsOf(tree: ts.SourceFile, text: string): Words[] {
  const ranges = new Map<number, number>();
  const take = (found: readonly ts.CommentRange[] | undefined): void => {
    for (const { end, pos } of found ?? []) ranges.set(pos, end);
  };
  // Every comment stands beside a token, such as a closing brace.
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(tree);
    children.forEach(visit);
    if (children.length > 0) return;
    take(ts.getLeadingCommentRanges(text, node.getFullStart()));
    take(ts.getTrailingCommentRanges(text, node.getEnd()));
  };
  visit(tree);

  const comments: { line: number; end: number; words: string }[] = [];
  for (const [pos, end] of [...ranges].sort(([a], [b]) => a - b)) {
    const words = wordsOf(text.slice(pos, end));
    const last = comments.at(-1);
    if (last && text.startsWith('//', pos) && /^\n[ \t]*$/.test(text.slice(last.end, pos))) {
      last.words += ` ${words}`;
      last.end = end;
    } else {
      comments.push({ line: tree.getLineAndCharacterOfPosition(pos).line + 1, end, words });
    }
  }
  return comments;
}

function wordsOf(comment: string): string {
  return comment
    .replaceAll(/^\s*(\/\*+|\*\/|\*|\/\/)|\*\/$/gm, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
