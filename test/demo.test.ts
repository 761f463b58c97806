import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { seconds } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';

const DEMO = fileURLToPath(new URL('../tools/demo/main.ts', import.meta.url));

/** A line of a block of which another was read. */
const PRINTED_MS = seconds(10);

class Demo {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn(process.execPath, [DEMO], {
      env: { PATH: process.env.PATH, NO_COLOR: '1', DEMO_SECONDS: '100' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.lines.push(line));
  }

  /** The first line that fits. */
  async says(pattern: RegExp, limitMs: number): Promise<RegExpMatchArray> {
    return await until(
      `the demo says ${pattern}`,
      () => this.lines.map((line) => line.match(pattern)).find(Boolean),
      limitMs,
    );
  }

  async end(signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }> {
    const endedAt = performance.now();
    this.#child.kill(signal);
    await once(this.#child, 'close');
    return { code: this.#child.exitCode, tookMs: performance.now() - endedAt };
  }
}

/** Whether a server answers at this URL. */
async function isOpen(url: string): Promise<boolean> {
  return await fetch(url).then(
    () => true,
    () => false,
  );
}

describe('make demo', () => {
  test('shows the main job within 30 s of its start, also twice at the same time, and ends on Ctrl-C with nothing left', async () => {
    const demos = [new Demo(), new Demo()];
    // A machine that runs tests beside it is given twice the time.
    await Promise.all(demos.map((demo) => demo.says(/✉ 100001 .*notification_queue/, seconds(60))));

    for (const demo of demos) {
      await demo.says(/@ customer1@example.com {2}Ваш код CyberVPN \(first mail server\)/, seconds(60));
      await demo.says(/@ customer2@example.com {2}Sign in to CyberVPN \(second mail server\)/, seconds(30));
      await demo.says(/@ customer3@example.com {2}Reset your CyberVPN password \(first mail server\)/, seconds(30));
      const [, health] = await demo.says(/health +(http:\S+)/, PRINTED_MS);
      const [, messages] = await demo.says(/delivered messages +(http:\S+)/, PRINTED_MS);
      await until('the worker is ready', async () => (await fetch(health!)).ok, seconds(30));
      expect(((await (await fetch(messages!)).json()) as { messages: object[] }).messages.length).toBeGreaterThan(0);

      const [, page] = await demo.says(/console +(http:\S+)/, PRINTED_MS);
      const [, token] = await demo.says(/log in with +(\S+)/, PRINTED_MS);
      const overview = await fetch(`${page}api/v1/overview`, { headers: { authorization: `Bearer ${token}` } });
      expect(overview.status).toBe(200);

      expect(await demo.end('SIGINT')).toMatchObject({ code: 0 });
      expect(await isOpen(health!)).toBe(false);
      expect(await isOpen(messages!)).toBe(false);
    }
  });

  test('killed hard, it takes the worker, the scheduler and the servers with it', async () => {
    const demo = new Demo();
    const [, health] = await demo.says(/health +(http:\S+)/, seconds(60));
    const [, port] = await demo.says(/psql postgresql:.*:(\d+)\//, PRINTED_MS);
    await demo.end('SIGKILL');
    await until('nobody answers', async () => !(await isOpen(health!)) && !(await isOpen(`http://127.0.0.1:${port}`)));
  });
});
