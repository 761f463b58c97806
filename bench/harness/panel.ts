import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The panel's sandbox in a process of its own, so that its processor time does not count in the measure. */
export interface PanelProcess extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** Makes every call take this much longer. */
  slowDown(ms: number): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../sandbox/panel/main.ts', import.meta.url));

/** Starts `sandbox/panel/main.ts` of generation 3 with this many users, whose ids start at 1. */
export async function startPanel(users: number): Promise<PanelProcess> {
  const args = [MAIN, '--users', String(users), '--sample'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url, token } = JSON.parse(line) as { url: string; token: string };
  return {
    url,
    token,
    async slowDown(ms) {
      const response = await fetch(`${url}/_sandbox/faults`, {
        method: 'POST',
        body: JSON.stringify({ kind: 'latency', ms }),
      });
      if (!response.ok) throw new Error(`the panel's sandbox does not take the fault: ${response.status}`);
    },
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}
