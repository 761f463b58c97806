import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DeliveredMessage, Stats } from '../../sandbox/telegram/record.ts';

/** The Telegram sandbox in a process of its own, so that its processor time does not count in the measure. */
export interface Sandbox extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  stats(): Promise<Stats>;
  /** All delivered messages. */
  messages(): Promise<DeliveredMessage[]>;
  /** Their texts. */
  texts(): Promise<string[]>;
  forget(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../sandbox/telegram/main.ts', import.meta.url));

/** Starts `sandbox/telegram/main.ts`; see there for the arguments. It ends with this process, even when that is killed. */
export async function startSandbox(args: readonly string[]): Promise<Sandbox> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url, token } = JSON.parse(line) as { url: string; token: string };
  const ask = async (path: string, method = 'GET'): Promise<unknown> =>
    (await fetch(`${url}/_sandbox/${path}`, { method })).json();
  const messages = async (): Promise<DeliveredMessage[]> =>
    ((await ask('messages')) as { messages: DeliveredMessage[] }).messages;
  return {
    url,
    token,
    messages,
    stats: async () => (await ask('stats')) as Stats,
    texts: async () => (await messages()).map(({ text }) => text),
    forget: async () => void (await ask('messages', 'DELETE')),
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}
