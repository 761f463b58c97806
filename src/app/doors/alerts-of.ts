import type { AlertsContext } from '../../triggers/alerts.ts';
import type { App } from '../build-app.ts';

/** Alerts as doors see them. */
export function alertsOf({ parts }: App): AlertsContext {
  const { alertAnswers, alertStates, foundation } = parts;
  return {
    async list() {
      const now = foundation.clock.now();
      const [lasting, once] = await Promise.all([alertStates.active(now), alertAnswers.once(now)]);
      const all = [...lasting, ...once].sort((a, b) => a.since.getTime() - b.since.getTime());
      return { on: await alertAnswers.answered(all, now), idle: await alertAnswers.idleMutes(all, now) };
    },
    acknowledge: (id, by) => alertAnswers.acknowledge(id, by),
    mute: (id, untilMs, by) => alertAnswers.mute(id, untilMs, by),
    unmute: (id, by) => alertAnswers.unmute(id, by),
  };
}
