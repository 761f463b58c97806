import { sql } from 'kysely';
import { serverClock } from '../../clients/telegram/server-clock.ts';
import { redisTime } from '../../repositories/redis/shared-clock.ts';
import type { Examination, Finding } from '../../triggers/examination.ts';
import type { App } from '../build-app.ts';
import { after, failed, ok, warning } from './findings.ts';

/** Schedules, leases and the dates in messages depend on the clock. S3 refuses signatures from a difference of 15 minutes on. */
const WRONG_SECONDS = 5;
const DRIFTING_SECONDS = 1;

/** Compares this machine's clock with every other clock that the work depends on. Positive: ours is ahead. */
export function clockExaminations({ config, database, redis }: App): readonly Examination[] {
  const against = (name: string, resolutionMs: number, ask: (signal: AbortSignal) => Promise<Date>): Examination => ({
    group: 'Clock',
    name,
    advice: `mend ${name} first, then look again`,
    examine: (signal) => {
      const first = ask(signal);
      return after(name, first, async () => {
        // The first answer includes opening a connection, which blurs the comparison.
        const before = Date.now();
        const theirs = await ask(signal);
        const since = Date.now();
        // The other clock was read between the question and the answer; a difference within that time counts as none.
        const ours = (before + since) / 2;
        const uncertainMs = (since - before) / 2 + resolutionMs;
        return clockFinding((ours - (theirs.getTime() + resolutionMs / 2)) / 1000, uncertainMs / 1000);
      });
    },
  });
  return [
    against('Redis', 0, () => redisTime(redis)),
    against('PostgreSQL', 0, async () => {
      const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(database);
      return rows[0]!.now;
    }),
    against('Telegram', 1000, (signal) => serverClock(config.TELEGRAM_API_URL, signal)),
  ];
}

function clockFinding(ahead: number, uncertain: number): Finding {
  const sure = Math.max(0, Math.abs(ahead) - uncertain);
  if (sure === 0 || Math.abs(ahead) < DRIFTING_SECONDS) return ok('agrees');
  const text = `this machine is ${duration(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}`;
  const advice = 'synchronise the clocks of both machines (NTP); schedules and the dates in messages go by them';
  if (sure > WRONG_SECONDS) return failed(text, advice);
  return sure > DRIFTING_SECONDS ? warning(text, advice) : ok(text);
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
