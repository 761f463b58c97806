/**
 * `node sandbox/otlp/main.ts [--port 4318] [--after 8]`: a collector that prints each trace as a tree, `--after` seconds after its last
 * span came. Prints `{"url"}` as its first line, runs until SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { startOtlpSandbox } from './server.ts';
import { inOneLine, traceTree } from './tree.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '4318' }, after: { type: 'string', default: '8' } },
});
const timers = new Map<string, NodeJS.Timeout>();
const print = (traceId: string): void => {
  timers.delete(traceId);
  console.log(`\ntrace ${traceId}\n${traceTree(sandbox.spans(traceId), inOneLine)}`);
};
const sandbox = await startOtlpSandbox({
  port: Number(values.port),
  onSpans(spans) {
    for (const traceId of new Set(spans.map((span) => span.traceId))) {
      clearTimeout(timers.get(traceId));
      timers.set(
        traceId,
        setTimeout(() => print(traceId), Number(values.after) * 1000),
      );
    }
  },
});
console.log(JSON.stringify({ url: sandbox.url }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    for (const timer of timers.values()) clearTimeout(timer);
    void sandbox.stop();
  });
}
