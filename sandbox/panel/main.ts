/**
 * `node sandbox/panel/main.ts [--generation 3] [--users 500] [--nodes 8] [--port 0] [--token <token>] [--webhook-url <url>
 * --webhook-secret <secret>] [--sample]`: prints `{"url", "token"}` as one line of JSON, runs until SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { startPanelSandbox } from './server.ts';

const { values } = parseArgs({
  options: {
    generation: { type: 'string', default: '3' },
    users: { type: 'string', default: '0' },
    nodes: { type: 'string', default: '0' },
    port: { type: 'string', default: '0' },
    token: { type: 'string' },
    'webhook-url': { type: 'string' },
    'webhook-secret': { type: 'string' },
    sample: { type: 'boolean', default: false },
  },
});
const { token } = values;
const webhookUrl = values['webhook-url'];
const webhookSecret = values['webhook-secret'];
const sandbox = await startPanelSandbox({
  generation: values.generation === '2' ? 2 : 3,
  users: Number(values.users),
  nodes: Number(values.nodes),
  port: Number(values.port),
  validateResponses: values.sample ? 'sample' : 'all',
  ...(token && { token }),
  ...(webhookUrl && { webhookUrl }),
  ...(webhookSecret && { webhookSecret }),
});
console.log(JSON.stringify({ url: sandbox.url, token: sandbox.token }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void sandbox.stop());
