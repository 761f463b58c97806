/**
 * `node sandbox/s3/main.ts [--port 0]`: prints `{"url", "bucket", "accessKeyId", "secretAccessKey"}` as one line of JSON, runs until
 * SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { startS3Sandbox } from './server.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const sandbox = await startS3Sandbox({ port: Number(values.port) });
console.log(JSON.stringify({ url: sandbox.url, bucket: sandbox.name, ...sandbox.keys }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void sandbox.stop());
