import ts from 'typescript';
import type { Sources } from './sources.ts';

/** A sentence in the source, with `{}` in the place of each value. */
export type Sentence = { where: string; text: string };

/** Calls whose argument at this position is a sentence that the console may show. */
const CALLS = new Map<string, readonly number[]>([
  ['Problem', [1]],
  ['tooMany', [0]],
  ['unavailable', [0]],
]);
/** Calls of the doctor: what it finds, and what to do. */
const FINDINGS = new Map<string, readonly number[]>([
  ['ok', [0]],
  ['warning', [0, 1]],
  ['failed', [0, 1]],
]);

/** Files beside the tasks with fields of payloads. */
const PAYLOADS: ReadonlySet<string> = new Set([
  'domain/bulk/progress.ts',
  'domain/exports/range.ts',
  'domain/notifications/message-text.ts',
]);
/** A file beside the doors with checks of what a form sends. */
const CONDITIONS = 'lib/segment.ts';

/**
 * The sentences that pages of the console show though they are written where the reader's language is not known: problems of the HTTP port,
 * findings of the doctor with their advice, what tasks say of the fields of their payloads, and what checks of payloads and forms say.
 */
export function shownSentences(files: Sources): Sentence[] {
  return [...files].flatMap(([path, text]) => {
    const isDoctor = path.startsWith('app/doctor/');
    const isTask = path.startsWith('tasks/') || PAYLOADS.has(path);
    if (!isDoctor && !isTask && path !== CONDITIONS && !path.startsWith('triggers/')) return [];
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const found: Sentence[] = [];
    const take = (node: ts.Node | undefined): void => {
      if (!node) return;
      for (const sentence of textsOf(node)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        found.push({ where: `${path}:${line + 1}`, text: sentence });
      }
    };
    const visit = (node: ts.Node): void => {
      if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
        const name = ts.isPropertyAccessExpression(node.expression)
          ? node.expression.name.text
          : node.expression.getText();
        const positions = isTask
          ? name === 'describe'
            ? [0]
            : []
          : (CALLS.get(name) ?? (isDoctor ? FINDINGS.get(name) : undefined));
        for (const at of positions ?? []) take(node.arguments?.[at]);
      }
      if (ts.isPropertyAssignment(node)) {
        const name = node.name.getText();
        // The error of a check is a sentence behind the name of its field; another `error` is a value.
        if (isDoctor ? name === 'advice' : name === 'error' && node.parent.parent.kind === ts.SyntaxKind.CallExpression)
          take(node.initializer);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
}

/** The texts that an expression may be, as far as it is written here. A name alone is written elsewhere. */
function textsOf(node: ts.Node): string[] {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)];
  if (ts.isParenthesizedExpression(node)) return textsOf(node.expression);
  if (!ts.isTemplateExpression(node)) return [];
  const text = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('{}');
  return /^[\s{},;:.]*$/.test(text) ? [] : [text];
}
