import type { Log } from '../../observability/log.ts';
import { alertRowId, sameBeginning } from '../../repositories/alert-row-id.ts';
import type { AlertRows } from '../../repositories/alert-rows.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import type { ActiveAlert } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { AlertBegin } from './alert.ts';
import type { AlertRecipients } from './alert-recipients.ts';
import { rowAbout, rowSubject } from './row-about.ts';

/** What names the beginning of an alert. */
type Beginning = Pick<AlertBegin, 'kind' | 'subject' | 'at'>;

export type ToldAlertsOptions = { rows: AlertRows; recipients: Pick<AlertRecipients, 'all'>; log: Log };

/** What the admins were told, by the rows that told it: asks what became of them, and takes back what nobody has heard of yet. */
export class ToldAlerts {
  readonly #options: ToldAlertsOptions;
  constructor(options: ToldAlertsOptions) {
    this.#options = options;
  }

  /** Takes back what waits of a beginning: somebody takes care of it. It is not over for those who were told. Never throws. */
  async hush(begin: Beginning): Promise<void> {
    const { log, rows } = this.#options;
    await rows
      .hush(this.#beginnings(begin))
      .catch((err: unknown) => log.warn({ err }, 'an alert that was answered may still be told'));
  }

  /** Takes beginnings back that nobody has heard of. Never throws; false where the database does not answer. */
  async withdraw(begins: readonly Beginning[]): Promise<boolean> {
    const { log, recipients, rows } = this.#options;
    const all = begins.flatMap((begin) =>
      recipients.all.map((telegramId) => ({
        id: alertRowId({ ...rowAbout(begin, telegramId), phase: 'beginning' }),
        telegramId,
        type: `alert:${begin.kind}`,
      })),
    );
    try {
      await rows.withdraw(all);
      return true;
    } catch (error) {
      log.warn({ err: error, alerts: begins.length }, 'alerts cannot be withdrawn yet');
      return false;
    }
  }

  /** Whether somebody has got the latest telling of it by Telegram. Throws while the database is away. */
  async isReached(alert: ActiveAlert): Promise<boolean> {
    const { recipients, rows } = this.#options;
    // The rows of what happened once have keys of their own, and it is told in one round.
    if (!alert.lasts) return await rows.isReached(this.#anyRows(alert).map(sameBeginning));
    const begin = { kind: alert.kind, subject: alert.id, at: alert.since };
    const round = alert.rungs?.round || undefined;
    const phase = round ? ({ phase: 'again', key: round } as const) : ({ phase: 'beginning' } as const);
    const ids = recipients.all.map((telegramId) => alertRowId({ ...rowAbout(begin, telegramId), ...phase }));
    return await rows.isReached(ids.map((id) => ({ first: id, last: id })));
  }

  /** Takes back what still waits to be told of it by Telegram: it was told another way. Throws while the database is away. */
  async toldAnotherWay(alert: ActiveAlert): Promise<void> {
    await this.#options.rows.toldAnotherWay(this.#anyRows(alert).map(sameBeginning));
  }

  /** Whether its beginning went another way than by Telegram, also where Redis was away and did not note it. Throws while the database is away. */
  async wasToldAnotherWay(alert: ActiveAlert): Promise<boolean> {
    return await this.#options.rows.isToldAnotherWay(this.#anyRows(alert));
  }

  /** Whether a claimed row tells the beginning of something whose end is queued already. Never throws: unknown is sent, with its time. */
  async isOver({ id, type }: Pick<DueNotification, 'id' | 'type'>): Promise<boolean> {
    if (!type.startsWith('alert:')) return false;
    return await this.#options.rows.isOver(id).catch(() => false);
  }

  /** Since when each of these is on by what the admins were told; undefined where it is not. Throws while the database is away. */
  async stillOn(begins: readonly Omit<Beginning, 'at'>[]): Promise<(Date | undefined)[]> {
    const at = new Date(0);
    // With people on call, only some have a row of it.
    const asked = begins.flatMap((begin, i) => this.#beginnings({ ...begin, at }).map((id) => ({ id, i })));
    const since = await this.#options.rows.stillOn(asked.map(({ id }) => id));
    return begins.map((_, i) => since.find((one, n) => one !== undefined && asked[n]!.i === i));
  }

  /** A row of it for each admin: the others of the same beginning lie next to it. */
  #anyRows(alert: ActiveAlert): string[] {
    return this.#beginnings({ kind: alert.kind, subject: rowSubject(alert), at: alert.since });
  }

  /** The row of a beginning for each admin. */
  #beginnings(begin: Beginning): string[] {
    return this.#options.recipients.all.map((telegramId) =>
      alertRowId({ ...rowAbout(begin, telegramId), phase: 'beginning' }),
    );
  }
}
