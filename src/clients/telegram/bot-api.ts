import type { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Api } from 'grammy';
import { z } from 'zod';
import { loadPart } from '../../lib/load-part.ts';
import { http } from '../../lib/node-http.ts';
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

const DEFAULT_ROOT = 'https://api.telegram.org';

const Me = z.object({ id: z.int(), username: z.string().min(1) });

type Package = Pick<typeof import('grammy'), 'Api' | 'GrammyError' | 'HttpError' | 'InputFile'>;

/** Its package takes 8 MB, which processes that never call Telegram do not spend. */
const loadGrammy = async (): Promise<Package> => loadPart('The client of Telegram (grammy)', () => import('grammy'));

/** The package, and this bot's calls by it. */
export type Grammy = Package & { raw: Raw };

/** Calls of one bot, by its token. No error ever contains the token. */
export class BotApi implements Disposable {
  #grammy: Promise<Grammy> | undefined;
  readonly #options: BotApiOptions;
  readonly #agent: Agent | HttpsAgent;

  constructor(options: BotApiOptions) {
    const { apiRoot = DEFAULT_ROOT } = options;
    this.#options = options;
    this.#agent = new (apiRoot.startsWith('https:') ? HttpsAgent : http.Agent)({ keepAlive: true });
  }

  /** Makes one call under a policy and reads its result. Throws an `ApiRefusal` where Telegram says no. */
  async call<T>(
    policy: ClientPolicy,
    { endpoint, idempotent = false, result, signal }: Call<T>,
    send: (grammy: Grammy, signal: GrammySignal) => Promise<unknown>,
  ): Promise<T> {
    const grammy = await this.#load();
    return await policy.call({ endpoint, signal, idempotent, unrepeatable: !idempotent }, async (ownSignal) => {
      const answer = await send(grammy, ownSignal as unknown as GrammySignal).catch((error: unknown) => {
        ownSignal.throwIfAborted();
        throw toOwnError(grammy, { endpoint, error, bot: this.#options });
      });
      const parsed = result.safeParse(answer);
      if (!parsed.success) throw noUsableAnswer(endpoint, 'ok, and no result');
      return parsed.data;
    });
  }

  /** The bot itself. Fails with `telegram_token_invalid` where the token opens nothing. */
  async getMe(policy: ClientPolicy, signal: AbortSignal): Promise<{ id: number; username: string }> {
    const call = { endpoint: 'getMe', signal, result: Me, idempotent: true };
    return await this.call(policy, call, ({ raw }, ownSignal) => raw.getMe(ownSignal));
  }

  async #load(): Promise<Grammy> {
    this.#grammy ??= loadGrammy().then((grammy) => {
      const { apiRoot = DEFAULT_ROOT, token } = this.#options;
      const baseFetchConfig = { compress: true, agent: this.#agent };
      const { Api, GrammyError, HttpError, InputFile } = grammy;
      const { raw } = new Api(token, { apiRoot: withoutSlashes(apiRoot), baseFetchConfig });
      return { Api, GrammyError, HttpError, InputFile, raw };
    });
    try {
      return await this.#grammy;
    } catch (error) {
      this.#grammy = undefined;
      throw error;
    }
  }

  /** Closes idle connections. */
  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
