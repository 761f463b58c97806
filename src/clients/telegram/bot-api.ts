import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Api } from 'grammy';
import { z } from 'zod';
import { withoutSlashes } from '../../lib/without-slashes.ts';
import type { ClientPolicy } from '../policy.ts';
import { noUsableAnswer, toOwnError } from './errors.ts';

export type Raw = Api['raw'];
/** grammY types its signals by a polyfill; Node's own fits. */
export type GrammySignal = NonNullable<Parameters<Raw['getMe']>[0]>;

export type BotApiOptions = {
  token: string;
  /** The variable that the token is from, for errors. */
  variable: string;
  /** Another Bot API server: a local one, or the sandbox. */
  apiRoot?: string | undefined;
};

type Call<T> = { endpoint: string; signal: AbortSignal; result: z.ZodType<T>; idempotent?: boolean };

const Me = z.object({ id: z.int(), username: z.string().min(1) });

/** Calls of one bot, by its token. No error ever contains the token. */
export class BotApi implements Disposable {
  readonly raw: Raw;
  readonly #options: BotApiOptions;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(options: BotApiOptions) {
    const { apiRoot = 'https://api.telegram.org', token } = options;
    this.#options = options;
    this.#agent = new (apiRoot.startsWith('https:') ? HttpsAgent : HttpAgent)({ keepAlive: true });
    const baseFetchConfig = { compress: true, agent: this.#agent };
    this.raw = new Api(token, { apiRoot: withoutSlashes(apiRoot), baseFetchConfig }).raw;
  }

  /** Makes one call under a policy and reads its result. Throws an `ApiRefusal` where Telegram says no. */
  async call<T>(
    policy: ClientPolicy,
    { endpoint, idempotent = false, result, signal }: Call<T>,
    send: (signal: GrammySignal) => Promise<unknown>,
  ): Promise<T> {
    return await policy.call({ endpoint, signal, idempotent, unrepeatable: !idempotent }, async (ownSignal) => {
      const answer = await send(ownSignal as unknown as GrammySignal).catch((error: unknown) => {
        ownSignal.throwIfAborted();
        throw toOwnError(endpoint, error, this.#options);
      });
      const parsed = result.safeParse(answer);
      if (!parsed.success) throw noUsableAnswer(endpoint, 'ok, and no result');
      return parsed.data;
    });
  }

  /** The bot itself. Fails with `telegram_token_invalid` where the token opens nothing. */
  async getMe(policy: ClientPolicy, signal: AbortSignal): Promise<{ id: number; username: string }> {
    const call = { endpoint: 'getMe', signal, result: Me, idempotent: true };
    return await this.call(policy, call, (ownSignal) => this.raw.getMe(ownSignal));
  }

  /** Closes idle connections. */
  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
