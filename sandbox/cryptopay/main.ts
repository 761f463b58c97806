/**
 * `node sandbox/cryptopay/main.ts [--port 0] [--token <token>] [--webhook-url <url>]`: prints `{"url", "token"}` as one line of
 * JSON, runs until SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { startCryptoPaySandbox } from './server.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, token: { type: 'string' }, 'webhook-url': { type: 'string' } },
});
const sandbox = await startCryptoPaySandbox({
  port: Number(values.port),
  ...(values.token && { token: values.token }),
  ...(values['webhook-url'] && { webhookUrl: values['webhook-url'] }),
});
console.log(JSON.stringify({ url: sandbox.url, token: sandbox.token }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void sandbox.stop());
