/** Two rules for every shipped line, which no test of behaviour can check for code that is not written yet. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const SOURCES = join(import.meta.dirname, '../../src');
/** Parsing all sources takes a second, and many times that on a busy machine under coverage. */
const PARSING_ALL_MS = 120_000;

type Rule = (node: ts.Node) => boolean;

/**
 * A statement made from text: an untagged template that begins like SQL, or Kysely's ways around parameters. Statements outside all
 * functions are allowed, because they are made when the module loads, before there is any input.
 */
const writesSqlOfText: Rule = (node) => {
  if (ts.isCallExpression(node)) return /(^|\.)sql\s*\.\s*(raw|lit)$/.test(node.expression.getText());
  if (!ts.findAncestor(node, ts.isFunctionLike)) return false;
  if (ts.isTemplateExpression(node))
    return !ts.isTaggedTemplateExpression(node.parent) && beginsLikeSql(node.head.text);
  return isSum(node) && ts.isStringLiteralLike(node.left) && beginsLikeSql(node.left.text);
};

const beginsLikeSql = (text: string): boolean =>
  /^\s*(select\s.+|insert\s+into|update\s+\w+\s+set|delete\s+from|with\s+\w+\s+as|truncate|alter\s+table|drop\s+table)\b/is.test(
    text,
  );

/**
 * A secret compared with an operator, which stops at the first byte that differs. Comparing it with null or another constant is allowed.
 */
const comparesSecret: Rule = (node) =>
  ts.isBinaryExpression(node) &&
  EQUALITY.has(node.operatorToken.kind) &&
  [node.left, node.right].some(isSecret) &&
  ![node.left, node.right].some(saysNothing);

const isSecret = (node: ts.Expression): boolean =>
  /(token|signature|digest|secret|password|hmac)$/i.test(/[\w$]+$/.exec(node.getText())?.[0] ?? '');
const saysNothing = (node: ts.Expression): boolean =>
  /^(null|undefined|''|true|false|\d+)$/.test(node.getText()) || ts.isTypeOfExpression(node);

const { SyntaxKind } = ts;
const EQUALITY = new Set([
  SyntaxKind.EqualsEqualsToken,
  SyntaxKind.EqualsEqualsEqualsToken,
  SyntaxKind.ExclamationEqualsToken,
  SyntaxKind.ExclamationEqualsEqualsToken,
]);
const isSum = (node: ts.Node): node is ts.BinaryExpression =>
  ts.isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.PlusToken;

const parsed = (file: string, code: string) => ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true);

/** `file:line: code` for each place that a rule finds. */
function found(rule: Rule, source: ts.SourceFile): string[] {
  const places: string[] = [];
  const visit = (node: ts.Node): void => {
    if (rule(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      places.push(`${source.fileName}:${line + 1}: ${node.getText().slice(0, 120)}`);
    } else ts.forEachChild(node, visit);
  };
  visit(source);
  return places;
}

/** The first rule parses the sources; the next rules reuse them. */
let sources: readonly ts.SourceFile[] | undefined;

function foundInAll(rule: Rule): string[] {
  sources ??= parseAll();
  return sources.flatMap((source) => found(rule, source));
}

function parseAll(): ts.SourceFile[] {
  const files = globSync('**/*.ts', { cwd: SOURCES }).filter(
    (file) => !file.endsWith('.test.ts') && !file.startsWith('testing/'),
  );
  expect(files.length).toBeGreaterThan(200);
  return files.map((file) => parsed(file, readFileSync(join(SOURCES, file), 'utf8')));
}

test('SQL is written with parameters only', () => expect(foundInAll(writesSqlOfText)).toEqual([]), PARSING_ALL_MS);

test(
  'no token, signature or digest is compared with an operator: timingSafeEqual takes the same time whatever it finds',
  () => expect(foundInAll(comparesSecret)).toEqual([]),
  PARSING_ALL_MS,
);

describe('the check finds', () => {
  test.each([
    [writesSqlOfText, 'sql.raw(text)'],
    [writesSqlOfText, `() => client.query(\`select * from users where name = '\${name}'\`)`],
    [writesSqlOfText, "() => pool.query('delete from users where id = ' + id)"],
    [writesSqlOfText, `function f(name) { return \`\n update users set name = \${name}\`; }`],
    [comparesSecret, 'header.signature === expected'],
    [comparesSecret, 'given !== config.apiToken'],
    [comparesSecret, 'password == stored'],
  ])('%o: %s', (rule, code) => expect(found(rule, parsed('planted.ts', code))).toHaveLength(1));

  test.each([
    [writesSqlOfText, `() => sql\`select * from users where name = \${name}\``],
    [writesSqlOfText, "() => client.query('select $1::int', [n])"],
    [writesSqlOfText, `const QUERY = \`select \${COLUMNS} from users\``],
    [comparesSecret, 'signature === undefined'],
    [comparesSecret, "typeof signature !== 'string'"],
    [comparesSecret, 'token.length > 3'],
  ])('nothing in %o: %s', (rule, code) => expect(found(rule, parsed('fine.ts', code))).toEqual([]));
});
