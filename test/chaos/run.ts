import { setTimeout as delay } from 'node:timers/promises';
import type { Evidence, Violation } from './evidence.ts';
import { inflict } from './faults.ts';
import { violationsIn } from './invariants/all.ts';
import { load, prepare } from './load/run.ts';
import { observe } from './observe.ts';
import type { Plan } from './plan.ts';
import { settle } from './settle.ts';
import { Stage } from './stage.ts';

export type RunOptions = {
  notificationsPerSecond: number;
  /** For a test: see `settle`. It also takes over entries of a dead reader of the stream after 5 s instead of a minute. */
  isShort?: boolean;
  /** The file that keeps the output of all processes. */
  logFile?: string;
  log(text: string): void;
};

export type Result = { evidence: Evidence; violations: Violation[]; complaints: ReadonlyMap<string, number> };

/** A multiple of the requested rate, so that the backlog of an outage is worked off. */
const RATE_SHARE = 3;

/** One run: load and faults at once for as long as the plan lasts, then the system comes to rest, then everything is counted. */
export async function run(plan: Plan, options: RunOptions): Promise<Result> {
  const { log } = options;
  await using stage = await Stage.start({
    ratePerSecond: options.notificationsPerSecond * RATE_SHARE,
    bucket: plan.seed % 2 === 1,
    bystanders: 200,
    ...(options.isShort && { env: { TASKIQ_TAKEOVER_SECONDS: '5' } }),
  });
  if (options.logFile) stage.logs.keepIn(options.logFile);
  const asked = await prepare(stage, plan);
  await stage.crew.startAll();
  log(`up; ${plan.steps.length} faults over ${plan.durationMs / 1000} s`);

  const stop = new AbortController();
  stage.timeline.startedAt = performance.timeOrigin + performance.now();
  const loading = load(stage, asked, { ...plan, notificationsPerSecond: options.notificationsPerSecond }, stop.signal);
  const failed = loading.then(
    () => undefined,
    (error: unknown) => error,
  );
  await Promise.all([inflict(plan, stage, stop.signal), delay(plan.durationMs)]);
  stop.abort();
  const error = await failed;
  if (error) throw new Error('the load could not go on', { cause: error });
  const settled = await settle(stage, options.isShort ?? false, log);
  const evidence = await observe(stage, asked, settled);
  return { evidence, violations: violationsIn(evidence), complaints: stage.logs.complaints };
}
