/**
 * `node sandbox/telegram/main.ts [--port 0] [--token <token>] [--no-limits]`: prints `{"url", "token", "staff_token"}` as one line of JSON,
 * runs until SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { NO_LIMITS } from './limits.ts';
import { startTelegramSandbox } from './server.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, token: { type: 'string' }, 'no-limits': { type: 'boolean' } },
});
const sandbox = await startTelegramSandbox({
  port: Number(values.port),
  ...(values.token && { token: values.token }),
  ...(values['no-limits'] && { limits: NO_LIMITS }),
});
console.log(JSON.stringify({ url: sandbox.url, token: sandbox.token, staff_token: sandbox.staff.token }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void sandbox.stop());
