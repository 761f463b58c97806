import { BRAKE_DECISIONS } from '../../domain/brakes/mass-effects.ts';
import { backlogInBrief, effectInBrief } from '../../messages/brake.ts';
import { AuditTrail } from '../../repositories/audit-trail.ts';
import type { BrakesContext } from '../../triggers/brakes.ts';
import { UsageError } from '../../triggers/cli/command.ts';
import type { App } from '../build-app.ts';

const BACKLOG = 'notification_backlog';

/** Lists everything that is held until an admin decides: the old backlog of notifications, and runs with a mass effect. */
export function brakesOf({ parts, services }: Pick<App, 'parts' | 'services'>): BrakesContext['brakes'] {
  const { backlog, brake } = services;
  const clock = (): Date => parts.foundation.clock.now();
  const decideBacklog = async (decision: string): Promise<string> => {
    if (decision !== 'send' && decision !== 'drop') throw wrongDecision(BACKLOG, 'send or drop', decision);
    const rows = await backlog.decide(decision, clock());
    return `${rows} old notifications: ${decision === 'send' ? 'they go out now' : 'dropped'}`;
  };
  return {
    async list() {
      const [old, effects] = await Promise.all([backlog.held(clock()), brake.list()]);
      const runs = effects.map((effect) => ({
        name: effect.name,
        held: { en: effectInBrief(effect, 'en'), ru: effectInBrief(effect, 'ru') },
        since: effect.since,
        decisions: BRAKE_DECISIONS.filter((decision) => decision !== 'only_these' || effect.list),
        list: effect.list,
      }));
      if (!old) return runs;
      const held = { en: backlogInBrief(old, 'en'), ru: backlogInBrief(old, 'ru') };
      const messages = { name: BACKLOG, held, since: undefined, decisions: ['send', 'drop'], list: undefined };
      return [{ ...messages, messagesDueBefore: old.dueBefore }, ...runs];
    },

    async confirm(name, decision) {
      if (name === BACKLOG) return decideBacklog(decision);
      const held = (await brake.list()).some((effect) => effect.name === name);
      if (!held) throw new UsageError(`Nothing is held under '${name}'; \`task-worker brake\` lists what is`);
      const known = BRAKE_DECISIONS.find((one) => one === decision);
      if (!known) throw wrongDecision(name, BRAKE_DECISIONS.join(', '), decision);
      const { list, listed, wouldTouch } = (await brake.confirm(name, clock(), known))!;
      if (known === 'not_this_time') return `${name} does nothing of this for 24 hours`;
      if (known === 'only_these')
        return `${name} runs now for those of the ${list!.rows} lines shown who still qualify; the word holds for 24 hours`;
      return `${name} may touch ${wouldTouch} of ${listed} users and runs now; the word holds for 24 hours`;
    },
  };
}

/** All that is held, and the answers to it. */
export const brakesContext = (app: Pick<App, 'parts' | 'services'>): BrakesContext => ({
  brakes: brakesOf(app),
  auditTrail: new AuditTrail(app.parts.foundation.database),
  clock: () => app.parts.foundation.clock.now(),
});

const wrongDecision = (name: string, possible: string, given: string): UsageError =>
  new UsageError(`${name} can be decided as ${possible}, not '${given}'`);
