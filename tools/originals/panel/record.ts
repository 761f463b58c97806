/**
 * `node tools/originals/panel/record.ts --panel '<the line of start.ts>'`: plays the scenario on a real panel that is new, and writes what
 * it answered and sent to `test/originals/panel-<version>/`. It takes about ten minutes, as the panel's own looks come every half minute.
 * `--only system,scopes` plays these alone, and adds the webhooks that the record did not have.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PanelVersionHere } from './original-panel.ts';
import { OriginalStage } from './original-stage.ts';
import { type Answer, Player, pause } from './player.ts';
import { counted, type Delivered, delivered, Receiver } from './receiver.ts';
import { SCENARIOS } from './scenario/all.ts';
import { type GenerationHere, type Step, someone } from './scenario/steps.ts';
import { tokenised } from './tokens.ts';

const COMMITS: Readonly<Record<PanelVersionHere, string>> = { '2.7.4': '8032a39e', '3.3.2': '347e6de1' };

const { values } = parseArgs({ options: { panel: { type: 'string' }, only: { type: 'string' } } });
const { only } = values;
type Started = {
  url: string;
  version: PanelVersionHere;
  databaseUrl: string;
  webhookUrl: string;
  webhookSecret: string;
};
const { databaseUrl, url, version, webhookSecret, webhookUrl } = JSON.parse(
  values.panel ?? '{}',
) as Partial<Started> as Started;
if (!(version in COMMITS)) throw new Error("say --panel '<the line of start.ts>'");
const generation: GenerationHere = version === '2.7.4' ? 2 : 3;
const into = join(import.meta.dirname, '../../../test/originals', `panel-${version}`);

const about = (what: string) => ({
  source: 'github.com/remnawave/backend',
  version,
  commit: COMMITS[version],
  recorded: new Date().toISOString().slice(0, 10),
  how: `tools/originals/panel: ${what}; Node 24, PostgreSQL and Redis of their own, NODE_ENV=production, all three processes. What stands in angle brackets stood for a value of that day or of that machine.`,
});

/** Deliveries are a queue of the panel. */
const DELIVERED_MS = 8000;

const receiver = new Receiver(webhookSecret);
await receiver.listen(Number(new URL(webhookUrl).port));
const stage = new OriginalStage(url, generation, databaseUrl);
await stage.enter();
await stage.clear();
await pause(DELIVERED_MS);
receiver.received.length = 0;
const player = new Player(stage);

type Exchange = Step & { answer?: unknown };
let seen = 0;
const firsts = new Map<string, unknown>();
for (const [name, steps] of Object.entries(SCENARIOS(generation))) {
  if (only !== undefined && !only.split(',').includes(name)) continue;
  const exchanges: Exchange[] = [];
  for (const step of steps) {
    const answer = await player.play(step);
    console.log(`${name}: ${step.name}${answer && answer !== 'cut' ? ` ${answer.status}` : ''}`);
    exchanges.push(answer === undefined ? step : { ...step, answer: kept(answer) });
  }
  await pause(DELIVERED_MS);
  const webhooks = counted(receiver.received.slice(seen));
  seen = receiver.received.length;
  writeFileSync(
    join(into, `${name}.json`),
    `${JSON.stringify({ ...about('scenario'), webhooks, exchanges }, null, 1)}\n`,
  );
}
const webhooksFile = join(into, 'webhooks.json');
type Webhooks = { tries: object; deliveries: Delivered[] };
const before = only === undefined ? undefined : (JSON.parse(readFileSync(webhooksFile, 'utf8')) as Webhooks);
for (const one of before?.deliveries ?? []) firsts.set(one.body.event, one);
const tries = before?.tries ?? (await refusedTries());
for (const one of receiver.received)
  if (!firsts.has(one.body.event)) firsts.set(one.body.event, delivered(one, { now: Date.now(), keys: player.keys }));
const deliveries = [...firsts].sort(([a], [b]) => a.localeCompare(b, 'en')).map(([, one]) => one);
writeFileSync(
  webhooksFile,
  `${JSON.stringify({ ...about('first delivery of each event of all scenarios'), tries, deliveries }, null, 1)}\n`,
);
await stage.stop();
await receiver.stop();

/** How often the panel tries where it is refused, and after how many seconds each time. */
async function refusedTries(): Promise<object> {
  await player.play(someone('refused'));
  const from = receiver.received.length;
  receiver.refusing.set('user.revoked', 503);
  await player.play({
    name: 'a refused webhook',
    method: 'POST',
    path: '/api/users/{refused}/actions/revoke',
    body: {},
  });
  await pause(40_000);
  const times = receiver.received.slice(from).filter(({ body }) => body.event === 'user.revoked');
  return {
    refusedWith: 503,
    count: times.length,
    afterSeconds: times.map(({ at }) => Math.round((at - times[0]!.at) / 1000)),
  };
}

function kept(answer: Answer): unknown {
  if (answer === 'cut') return 'cut';
  const { status, type, body } = answer;
  const names = { now: Date.now(), keys: player.keys };
  return { status, ...(type !== null && { type }), ...(body !== undefined && { body: tokenised(body, names) }) };
}
