import type { AlertAnswer, AnsweredAlert, IdleMute } from '../repositories/redis/alerts/alert-answer-store.ts';

/** Alerts that are on, and what people answer to them. */
export type AlertsContext = {
  /** The longest first; `idle` are mutes whose alert is not on. Throws while Redis is away. */
  list(): Promise<{ on: readonly AnsweredAlert[]; idle: readonly IdleMute[] }>;
  acknowledge(alertId: string, by: string): Promise<AlertAnswer>;
  /** Throws `PermanentError` (`mute_time`) for a time that is not in the next 30 days. */
  mute(alertId: string, untilMs: number, by: string): Promise<AlertAnswer>;
  unmute(alertId: string, by: string): Promise<AlertAnswer>;
};
