import { seconds } from '../../lib/duration.ts';
import type { Log } from '../../observability/log.ts';
import type { ServiceCounts, ServiceWatch } from './service-watch.ts';

/**
 * Half the interval of `check_external_services`: the third failure comes 90 s after the beginning at the latest, which leaves half a minute of
 * two to a Telegram that is silent, and to the second way after it.
 */
const EVERY_MS = seconds(30);

export type RedisOutageOptions = {
  watch: ServiceWatch;
  /** Rejects while Redis is away. */
  ping(): Promise<unknown>;
  /** Whether the operator wants the services checked. Asked in an outage only. */
  isWanted(): Promise<boolean>;
  /** The time that all workers share. */
  clock(): Date;
  log: Log;
  everyMs?: number;
};

/**
 * Does the work of `check_external_services` while Redis is away: no task runs then, so nothing else would alert. Runs outside the queues,
 * in the schedulers, of which there are few: each sends its own alert. Costs one small write each half a minute otherwise.
 */
export class RedisOutageWatch implements Disposable {
  readonly #options: RedisOutageOptions;
  readonly #ended = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** True after an outage: one more look follows once Redis is back, so that the process that told of the outage also tells of its end. */
  #sawOutage = false;

  constructor(options: RedisOutageOptions) {
    this.#options = options;
    const look = (): void => {
      this.look(options.clock()).catch((err: unknown) =>
        options.log.warn({ err }, 'services not checked without Redis'),
      );
    };
    this.#timer = setInterval(look, options.everyMs ?? EVERY_MS).unref();
  }

  /** Looks once. Undefined where Redis answers now and did so at the last look, and where nobody wants to know. */
  async look(now: Date): Promise<ServiceCounts | undefined> {
    const isAway = await this.#options.ping().then(
      () => false,
      () => true,
    );
    if (!isAway && !this.#sawOutage) return undefined;
    this.#sawOutage = isAway;
    if (!(await this.#options.isWanted())) return undefined;
    return this.#options.watch.check(now, this.#ended.signal);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#ended.abort(new Error('the process is stopping'));
  }
}
