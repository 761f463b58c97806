import { backlogInBrief, effectInBrief } from '../../messages/brake.ts';
import { UsageError } from '../../triggers/cli/command.ts';
import type { HttpContext } from '../../triggers/http/context.ts';
import type { App } from '../build-app.ts';

const BACKLOG = 'notification_backlog';

/** Lists everything that is held until an admin decides: the old backlog of notifications, and runs with a mass effect. */
export function brakesOf({ parts, services }: Pick<App, 'parts' | 'services'>): HttpContext['brakes'] {
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
        decisions: ['go'],
      }));
      if (!old) return runs;
      const held = { en: backlogInBrief(old, 'en'), ru: backlogInBrief(old, 'ru') };
      return [{ name: BACKLOG, held, since: undefined, decisions: ['send', 'drop'] }, ...runs];
    },

    async confirm(name, decision) {
      if (name === BACKLOG) return decideBacklog(decision);
      const isHeld = (await brake.list()).some((effect) => effect.name === name);
      if (isHeld && decision !== 'go') throw wrongDecision(name, 'go', decision);
      const confirmed = isHeld ? await brake.confirm(name, clock()) : undefined;
      if (!confirmed) throw new UsageError(`Nothing is held under '${name}'; \`task-worker brake\` lists what is`);
      return `${name} may touch ${confirmed.wouldTouch} of ${confirmed.listed} users and runs now; the word holds for 24 hours`;
    },
  };
}

const wrongDecision = (name: string, possible: string, given: string): UsageError =>
  new UsageError(`${name} can be decided as ${possible}, not '${given}'`);
