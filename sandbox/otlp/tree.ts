import type { ReceivedSpan } from './spans.ts';

/** One line for each span, indented under its parent, in order of their starts. A span whose parent did not arrive stands at the left. */
export function traceTree(spans: readonly ReceivedSpan[], describe: (span: ReceivedSpan) => string): string {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const inOrder = [...spans].sort((a, b) => a.startMs - b.startMs);
  const childrenOf = (parent: string | undefined): ReceivedSpan[] =>
    inOrder.filter(({ parentSpanId: id }) => (id !== undefined && ids.has(id) ? id : undefined) === parent);
  const lines = (parent: string | undefined, depth: number): string[] =>
    childrenOf(parent).flatMap((span) => [`${'  '.repeat(depth)}${describe(span)}`, ...lines(span.spanId, depth + 1)]);
  return lines(undefined, 0).join('\n');
}

/** The name and, where the span has one, the outcome, for comparing. */
export function nameAndOutcome({ attributes, name }: ReceivedSpan): string {
  const outcome = attributes['cybervpn.outcome'];
  return outcome === undefined || outcome === 'ok' ? name : `${name}: ${outcome}`;
}

/** The details of a span that fit into one line, for reading. */
export function inOneLine(span: ReceivedSpan): string {
  const { attributes, kind, ms } = span;
  const status = attributes['http.response.status_code'];
  const details = [
    `${ms.toFixed(1)} ms`,
    kind,
    ...(status === undefined ? [] : [`HTTP ${status}`]),
    ...(attributes['cybervpn.attempt'] === undefined
      ? []
      : [
          `attempt ${attributes['cybervpn.attempt']}, waited ${attributes['cybervpn.waited_ms']} ms`,
          `${attributes['cybervpn.db.statements']} statements in ${attributes['cybervpn.db.ms']} ms`,
        ]),
    ...(attributes['error.type'] === undefined ? [] : [`error ${attributes['error.type']}`]),
  ];
  return `${nameAndOutcome(span)}   (${details.join(', ')})`;
}
