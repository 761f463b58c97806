import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, GenerationHere, Given, Request, Settle, Step, Wait } from './scenario/steps.ts';

/** Headers without which the panel cuts the connection. */
const PROXIED = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' };

/** What a panel, real or sandbox, must be able to do for a scenario beside answering. */
export type Stage = {
  url: string;
  generation: GenerationHere;
  /** The token that a request is to be sent with. */
  token(wanted: Request['token']): Promise<string | undefined>;
  given(given: Given['given'], keys: ReadonlyMap<string, string>): Promise<string | undefined>;
  wait(wait: Wait['wait'], keys: ReadonlyMap<string, string>): Promise<void>;
  settle(): Promise<void>;
  /** The panel's time. */
  now(): number;
};

/** `cut`: the connection was closed without an answer. */
export type Answer = { status: number; type: string | null; body: unknown } | 'cut';

const DAY_MS = 86_400_000;
const INSTANT = /^<([+-]\d+)d>$/;
const DAY = /^<day (-?\d+)>$/;

/** Plays steps on a panel, one after another, and hands over what it answered. */
export class Player {
  readonly keys = new Map<string, string>();
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async play(step: Step): Promise<Answer | undefined> {
    if ('given' in step) return await this.#given(step);
    if ('wait' in step) return void (await this.#stage.wait(step.wait, this.keys));
    if ('settle' in step) return void (await this.#settle(step));
    return await this.#call(step);
  }

  async #settle(_step: Settle): Promise<void> {
    await this.#stage.settle();
  }

  async #given({ given }: Given): Promise<undefined> {
    const key = await this.#stage.given(given, this.keys);
    if ('bind' in given && key !== undefined) this.keys.set(given.bind, key);
  }

  async #call(call: Call): Promise<Answer> {
    const path = this.#filled(call.path);
    const query = new URLSearchParams(this.#value(call.query ?? {}) as Record<string, string>);
    const body = call.text ?? (call.body === undefined ? undefined : JSON.stringify(this.#value(call.body)));
    const token = await this.#stage.token(call.token);
    const headers: Record<string, string> = {
      ...PROXIED,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: call.token === 'bare' ? token : `Bearer ${token}` }),
      ...call.headers,
    };
    for (const name of call.without ?? []) delete headers[name];
    const target = query.size > 0 ? `${path}?${query}` : path;
    const answer = await exchange(this.#stage.url, { method: call.method, target, headers, body });
    if (call.bind !== undefined) this.#bind(call.bind, answer);
    return answer;
  }

  #bind(name: string, answer: Answer): void {
    if (answer === 'cut' || answer.status >= 300) throw new Error(`${name} was not made: ${JSON.stringify(answer)}`);
    const { response } = answer.body as { response: { uuid?: string; id?: number } };
    this.keys.set(name, String(response.uuid ?? response.id));
  }

  #filled(text: string): string {
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => this.keys.get(name) ?? whole);
  }

  /** Instants and keys in the place of what stands for them. */
  #value(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#value(one));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.#value(one)]));
    }
    if (typeof value !== 'string') return value;
    const instant = INSTANT.exec(value);
    if (instant) return new Date(this.#stage.now() + Number(instant[1]) * DAY_MS).toISOString();
    const day = DAY.exec(value);
    if (day) return new Date(this.#stage.now() + Number(day[1]) * DAY_MS).toISOString().slice(0, 10);
    const key = /^\{(\w+)\}$/.exec(value);
    const found = key && this.keys.get(key[1]!);
    return found ? (/^\d+$/.test(found) ? Number(found) : found) : value;
  }
}

type Sent = { method: string; target: string; headers: Record<string, string>; body: string | Buffer | undefined };

/** By a connection of its own, as one that was kept may be closed by then, and without tidying up the path, as `fetch` would. */
export async function exchange(url: string, { method, target, headers, body }: Sent): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const sent = request({ hostname, port, method, path: target, headers, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      const type = response.headers['content-type']?.split(';')[0] ?? null;
      resolve({ status: response.statusCode!, type, body: bodyOf(Buffer.concat(chunks).toString('utf8')) });
    });
  });
  sent.on('error', () => resolve('cut'));
  sent.end(body);
  return await promise;
}

function bodyOf(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const pause = (ms: number): Promise<void> => sleep(ms);
