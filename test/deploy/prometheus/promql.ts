import { parser } from '@prometheus-io/lezer-promql';

type Tree = ReturnType<typeof parser.parse>;

/** Operators whose answer is empty while all is well. */
const COMPARISONS = new Set(['Gtr', 'Lss', 'Gte', 'Lte', 'Eql', 'Neq']);
const CONDITIONS = new Set(['And', 'Or', 'Unless']);

/** Every selector of an expression, as written: `cybervpn_queue_jobs{state="waiting"}`. Throws where the text is not an expression. */
export function selectorsOf(expression: string): string[] {
  const found = new Set<string>();
  parsed(expression).iterate({
    enter(node) {
      if (node.name === 'VectorSelector') found.add(expression.slice(node.from, node.to).replaceAll(/\s+/g, ' '));
    },
  });
  return [...found];
}

/** Names of the metrics in an expression. */
export function metricsOf(expression: string): string[] {
  return [...new Set(selectorsOf(expression).map((selector) => /^[\w:]+/.exec(selector)![0]))];
}

/** The expression that an alert compares with its limit: the left side of its comparison, which must have a value while all is well. */
export function measured(expression: string): string {
  for (let node = parsed(expression).topNode.firstChild; node; ) {
    const left = node.firstChild;
    if (node.name === 'ParenExpr') node = left!;
    // It only renames; the measured expression is its first argument.
    else if (node.name === 'FunctionCall' && expression.startsWith('label_replace', node.from))
      node = left!.nextSibling!.firstChild;
    else if (node.name === 'BinaryExpr' && (COMPARISONS.has(operator(node)) || CONDITIONS.has(operator(node))))
      node = left!;
    else return expression.slice(node.from, node.to);
  }
  return expression;
}

type Node = NonNullable<Tree['topNode']['firstChild']>;

function operator(node: Node): string {
  return node.firstChild?.nextSibling?.name ?? '';
}

function parsed(expression: string): Tree {
  const tree = parser.parse(expression);
  tree.iterate({
    enter({ from, type }) {
      if (type.isError) throw new Error(`not PromQL at character ${from}: ${expression}`);
    },
  });
  return tree;
}
