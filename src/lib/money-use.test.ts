/** Money is never a binary float: outside `lib/money.ts` no code may turn an amount into a number or calculate with it. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const SOURCES = join(import.meta.dirname, '..');
/** Parsing every source file takes seconds on an idle machine and many times that on a busy one under coverage. */
const PARSING_ALL_MS = 120_000;
const EXEMPT = new Set(['lib/money.ts']);

test(
  'no amount is reckoned with outside lib/money.ts',
  () => {
    const files = globSync('**/*.ts', { cwd: SOURCES }).filter((file) => !EXEMPT.has(file));
    expect(files.length).toBeGreaterThan(5);
    const sources = files.map((file) => ({ file, code: readFileSync(join(SOURCES, file), 'utf8') }));
    // A file without any word for money has no name with one, so it is not parsed; this halves the time.
    const aboutMoney = sources.filter(({ code }) => MONEY_NAME.test(code));
    expect(aboutMoney.length).toBeGreaterThan(5);
    expect(aboutMoney.flatMap(({ code, file }) => offences(code, file))).toEqual([]);
  },
  PARSING_ALL_MS,
);

describe('the check finds', () => {
  test.each([
    'Number(payment.final_amount)',
    'parseFloat(amount)',
    'Number.parseFloat(price)',
    'parseInt(amount, 10)',
    'Math.round(revenue)',
    'BigInt(row["final_amount"])',
    '+amount',
    '-payment.amount',
    'amount.toFixed(2)',
    'plan?.price_usd!.toPrecision(3)',
    'price * 2',
    'total + payment.amount',
    'revenue += row.sum',
    'count / totalRevenue()',
    '(await price()) - 1',
    '(payment.finalAmount ?? payment.amount) > 5',
    'amount === invoice.amount',
    'amount == "10.00"',
    'amount++',
    'const row: { amount: number } = x',
    'function f(priceUsd: number) {}',
    'let revenue: number | undefined',
    'class A { amount?: number = 1 }',
    'z.object({ amount: z.number() })',
    'z.object({ paid_amount: z.coerce.number().optional() })',
  ])('%s', (code) => {
    expect(offences(code, 'planted.ts')).toHaveLength(1);
  });
});

describe('the check leaves alone', () => {
  test.each([
    'payment.amount === null',
    'amount !== undefined',
    'amounts.length > 3',
    'formatMoney(payment.amount, payment.currency, locale)',
    'const row: { amount: string } = x',
    'z.object({ amount: z.string() })',
    'count + 1',
    '// amount * 2',
    '"amount * 2"',
    'Number(days)',
  ])('%s', (code) => {
    expect(offences(code, 'fine.ts')).toEqual([]);
  });
});

const MONEY_NAME = /amount|price|revenue/i;
const CONVERSIONS = /^(Number|BigInt|parseFloat|parseInt|Number\.\w+|Math\.\w+)$/;
const ROUNDINGS = /^(toFixed|toPrecision|toExponential)$/;
const ABSENT = /^(null|undefined)$/;

/** One line for each place where an amount is treated as a number: `file:line: code`. */
function offences(code: string, file: string): string[] {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (isOffence(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${file}:${line + 1}: ${node.getText()} (use lib/money.ts)`);
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isOffence(node: ts.Node): boolean {
  if (ts.isCallExpression(node)) return converts(node);
  if (ts.isPrefixUnaryExpression(node)) return isSum(node.operator) && isMoney(node.operand);
  if (ts.isPostfixUnaryExpression(node)) return isMoney(node.operand);
  if (ts.isBinaryExpression(node)) return reckons(node);
  if (ts.isPropertyAssignment(node)) return named(node) && /\bz\.(coerce\.)?number\(/.test(node.initializer.getText());
  if (ts.isParameter(node) || ts.isVariableDeclaration(node)) return named(node) && isNumberType(node.type);
  if (ts.isPropertySignature(node) || ts.isPropertyDeclaration(node)) return named(node) && isNumberType(node.type);
  return false;
}

function converts(call: ts.CallExpression): boolean {
  if (CONVERSIONS.test(call.expression.getText())) return call.arguments.some(isMoney);
  const callee = call.expression;
  return ts.isPropertyAccessExpression(callee) && ROUNDINGS.test(callee.name.text) && isMoney(callee.expression);
}

function reckons({ left, operatorToken: { kind }, right }: ts.BinaryExpression): boolean {
  if (!isMoney(left) && !isMoney(right)) return false;
  if (EQUALITY.has(kind)) return !ABSENT.test(left.getText()) && !ABSENT.test(right.getText());
  return ARITHMETIC.has(kind);
}

/** Decides by the name of the value itself: `payment.amount` is money, `amounts.length` is not. */
function isMoney(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return MONEY_NAME.test(node.text);
  if (ts.isPropertyAccessExpression(node)) return MONEY_NAME.test(node.name.text);
  if (ts.isElementAccessExpression(node)) return MONEY_NAME.test(node.argumentExpression.getText());
  if (ts.isConditionalExpression(node)) return isMoney(node.whenTrue) || isMoney(node.whenFalse);
  if (ts.isBinaryExpression(node))
    return CHOICE.has(node.operatorToken.kind) && (isMoney(node.left) || isMoney(node.right));
  return isWrapper(node) && isMoney(node.expression);
}

const isWrapper = (node: ts.Node) =>
  ts.isParenthesizedExpression(node) ||
  ts.isNonNullExpression(node) ||
  ts.isAsExpression(node) ||
  ts.isAwaitExpression(node) ||
  ts.isCallExpression(node);

const named = (node: { name: ts.Node }) => MONEY_NAME.test(node.name.getText());
const isNumberType = (type: ts.TypeNode | undefined) => type !== undefined && /\bnumber\b/.test(type.getText());
const isSum = (operator: ts.PrefixUnaryOperator) => operator !== ts.SyntaxKind.ExclamationToken;

const { SyntaxKind } = ts;
const CHOICE = new Set([SyntaxKind.QuestionQuestionToken, SyntaxKind.BarBarToken, SyntaxKind.AmpersandAmpersandToken]);
const EQUALITY = new Set([
  SyntaxKind.EqualsEqualsToken,
  SyntaxKind.EqualsEqualsEqualsToken,
  SyntaxKind.ExclamationEqualsToken,
  SyntaxKind.ExclamationEqualsEqualsToken,
]);
const ARITHMETIC = new Set([
  SyntaxKind.PlusToken,
  SyntaxKind.MinusToken,
  SyntaxKind.AsteriskToken,
  SyntaxKind.AsteriskAsteriskToken,
  SyntaxKind.SlashToken,
  SyntaxKind.PercentToken,
  SyntaxKind.PlusEqualsToken,
  SyntaxKind.MinusEqualsToken,
  SyntaxKind.AsteriskEqualsToken,
  SyntaxKind.SlashEqualsToken,
  SyntaxKind.LessThanToken,
  SyntaxKind.LessThanEqualsToken,
  SyntaxKind.GreaterThanToken,
  SyntaxKind.GreaterThanEqualsToken,
]);
