/**
 * `node test/chaos/soak.ts`, `MINUTES=n` (15): mixed load at ten times the promised rate without any fault, sampled every 5 s. Writes
 * `docs/images/soak.svg` and `docs/images/soak.json`, and ends with 1 where a series grows.
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeMachine } from '../../bench/harness/machine.ts';
import { minutes, seconds } from '../../src/lib/duration.ts';
import { load, prepare } from './load/run.ts';
import { plot } from './soak/plot.ts';
import { type Sample, sampleUntil } from './soak/sampler.ts';
import { judge, type Series } from './soak/series.ts';
import { Stage } from './stage.ts';

const FOLDER = new URL('../../docs/images/', import.meta.url);
/** The service promises 100 tasks a minute. This speed requests 1,000 jobs a minute and more, besides rows of `notification_queue`. */
const SPEED = 3;
const NOTIFICATIONS_PER_SECOND = 25;
/** Results are kept this long, so that their number is steady within the warm-up. */
const RESULT_TTL_SECONDS = 60;

const durationMs = minutes(Number(process.env.MINUTES || 15));
const machine = await describeMachine();
await using stage = await Stage.start({
  ratePerSecond: 100,
  bucket: false,
  bystanders: 200,
  env: { RESULT_TTL_SECONDS: String(RESULT_TTL_SECONDS), TELEGRAM_RATE_PER_SECOND: '100' },
});
const asked = await prepare(stage, { durationMs, speed: SPEED });
await stage.crew.startAll();
const stop = new AbortController();
const startedAt = performance.now();
const working = load(
  stage,
  asked,
  { seed: 1, durationMs, speed: SPEED, notificationsPerSecond: NOTIFICATIONS_PER_SECOND },
  stop.signal,
);
const sampling = sampleUntil(stop.signal, stage, asked);
console.log(`soak: ${durationMs / 60_000} min of load`);
await Promise.race([delay(durationMs), working]);
stop.abort();
await working;
const samples = await sampling;
await delay(seconds(1));

const runs = stage.logs.runs.length;
const tasksPerMinute = Math.round((runs / (performance.now() - startedAt)) * 60_000);
const of = (name: string, unit: string, field: keyof Sample, by: number, share: number): Series => ({
  name,
  unit,
  points: samples.map((sample) => ({ atMs: sample.atMs, value: sample[field] })),
  mayRise: { by, share },
});
const series = [
  of('Memory of all three processes', 'MiB', 'rssMib', 30, 0.1),
  of('From due to sent, p95', 'ms', 'dueToSentP95Ms', 500, 0.2),
  of('From dispatch to start, mean', 'ms', 'dispatchToStartMs', 10, 0.2),
  of('Keys in Redis besides marks of events', 'keys', 'redisKeys', 100, 0.1),
  of('Entries in the stream', 'entries', 'streamLength', 20, 0),
  of('Rows that wait', 'rows', 'waiting', 100, 0.1),
  of('Connections to Redis', 'connections', 'redisConnections', 2, 0),
  of('Connections to PostgreSQL', 'connections', 'databaseConnections', 4, 0),
];
const verdicts = series.map(judge);
const title = `${Math.round(durationMs / 60_000)} minutes of mixed load, ${tasksPerMinute} runs a minute`;
await writeFile(new URL('soak.svg', FOLDER), plot(title, series, verdicts));
await writeFile(
  new URL('soak.json', FOLDER),
  `${JSON.stringify({ title, machine, tasksPerMinute, verdicts, samples })}\n`,
);
for (const { isFlat, mean, name, rise, unit } of verdicts)
  console.log(
    `  ${isFlat ? 'flat' : 'NOT FLAT'}  ${name}: mean ${mean.toFixed(1)} ${unit}, rises by ${rise.toFixed(1)}`,
  );
console.log(
  `  ${tasksPerMinute} runs of tasks a minute; complaints: ${[...stage.logs.complaints.keys()].slice(0, 5).join(' | ') || 'none'}`,
);
process.exitCode = verdicts.every(({ isFlat }) => isFlat) ? 0 : 1;
