import type { MadeSeries } from './series.ts';

/** What the staff's bot hears. */
export class StaffBotMetrics {
  readonly #series: MadeSeries;

  constructor(series: MadeSeries) {
    this.#series = series;
  }

  /** One question to Telegram. */
  polled(outcome: 'ok' | 'failed'): void {
    this.#series.staffBotPolls.inc({ outcome });
  }

  /** Whether this process is the one that asks. */
  polling(isPolling: boolean): void {
    this.#series.staffBotPolling.set(isPolling ? 1 : 0);
  }

  /** A tap or a command, and what became of it. */
  handled(kind: 'tap' | 'command' | 'other', outcome: string): void {
    this.#series.staffBotUpdates.inc({ kind, outcome });
  }
}
