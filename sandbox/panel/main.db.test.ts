import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

test('runs as a process that says where it is and leaves when told', async () => {
  const args = ['sandbox/panel/main.ts', '--generation', '2', '--users', '5', '--nodes', '2'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  const { url, token } = JSON.parse(line);
  const headers = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https', authorization: `Bearer ${token}` };
  const answer = await (await fetch(`${url}/api/users`, { headers })).json();
  expect(answer).toMatchObject({ response: { total: 5 } });
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
