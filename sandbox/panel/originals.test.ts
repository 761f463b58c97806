import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differences, type Exchange, type How, isObject, unlike } from '../../tools/originals/panel/differences.ts';
import { exchange, Player } from '../../tools/originals/panel/player.ts';
import { counted, type Delivered, delivered, Receiver } from '../../tools/originals/panel/receiver.ts';
import { SandboxStage } from '../../tools/originals/panel/sandbox-stage.ts';
import { someone } from '../../tools/originals/panel/scenario/steps.ts';
import { serveOnLoopback } from '../loopback-server.ts';
import { type PanelSandbox, startPanelSandbox } from './server.ts';
import type { GenerationNumber } from './wire.ts';

type PanelRecord = { exchanges: Exchange[]; webhooks: Record<string, number> };
type Webhooks = { tries: { refusedWith: number; count: number }; deliveries: Delivered[] };

/** Nothing of ours listens for what the panel tells of its own work, and for how its nodes were made. */
const NOT_SENT = /^(service|errors|crm|torrent_blocker)\.|^node\.created$|^user_hwid/;

/** The key that `startPanelSandbox` signs with by default. */
const SECRET = 'sandbox-webhook-secret-0123456789abcdef';

const FOLDERS = { 2: 'panel-2.7.4', 3: 'panel-3.3.2' } as const;

/** The records in the order in which they were played, on one panel. */
const ORDER = ['transport', 'reading', 'changing', 'bulk', 'scopes', 'system'];

function recordsOf(generation: GenerationNumber): [name: string, record: PanelRecord][] {
  const folder = new URL(`../../test/originals/${FOLDERS[generation]}/`, import.meta.url);
  const files = readdirSync(folder).filter((file) => file !== 'webhooks.json');
  const names = files.map((file) => file.replace('.json', ''));
  return names
    .sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
    .map((name) => {
      return [name, JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as PanelRecord];
    });
}

function webhooksOf(generation: GenerationNumber): Webhooks {
  const file = new URL(`../../test/originals/${FOLDERS[generation]}/webhooks.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Webhooks;
}

/** Most of what a panel says of its nodes and of itself is of the machine. */
const howToCompare = (record: string): How => (record === 'system' ? 'counted' : 'exact');

/** No reset of traffic is due in the minutes after it. */
const NOON = new Date('2026-11-24T12:00:00Z');

const start = (generation: GenerationNumber, webhookUrl?: string): Promise<PanelSandbox> =>
  startPanelSandbox({
    generation,
    startAt: NOON,
    bulkDelayMs: 1,
    webhookRetryDelayMs: 1,
    ...(webhookUrl !== undefined && { webhookUrl }),
  });

describe.each([2, 3] as const)('the stand-in of panel %i answers and acts as the original did', (generation) => {
  let receiver: Receiver;
  let panel: PanelSandbox;
  let stage: SandboxStage;
  let player: Player;
  let seen = 0;

  beforeAll(async () => {
    receiver = new Receiver(SECRET);
    panel = await start(generation, await receiver.listen());
    stage = new SandboxStage(panel, generation);
    player = new Player(stage);
  });
  afterAll(async () => {
    await panel.stop();
    await receiver.stop();
  });

  test.each(recordsOf(generation))('%s', async (name, { exchanges, webhooks }) => {
    expect(await differences(exchanges, stage, player, howToCompare(name))).toEqual({});
    await panel.webhooks();
    // Nodes of the sandbox are not made by a call.
    const { 'node.created': _, ...sent } = webhooks;
    expect(counted(receiver.received.slice(seen))).toEqual(sent);
    seen = receiver.received.length;
  });

  test('webhooks: the same form, signed the same way', () => {
    const missing: string[] = [];
    for (const recorded of webhooksOf(generation).deliveries) {
      const { event } = recorded.body;
      const sent = receiver.received.find(({ body }) => body.event === event);
      if (NOT_SENT.test(event)) continue;
      const names = { now: stage.now(), keys: player.keys };
      const problem = sent ? unlike(recorded, delivered(sent, names), event, 'form') : `${event} was not sent`;
      if (problem) missing.push(problem);
    }
    expect(missing).toEqual([]);
  });

  test('webhooks: tried as often where it is refused', async () => {
    const { tries } = webhooksOf(generation);
    await player.play(someone('refused'));
    await panel.webhooks();
    const from = receiver.received.length;
    receiver.refusing.set('user.revoked', tries.refusedWith);
    await player.play({
      name: 'a refused webhook',
      method: 'POST',
      path: '/api/users/{refused}/actions/revoke',
      body: {},
    });
    await panel.webhooks();
    expect(receiver.received.length - from).toBe(tries.count);
  });
});

/** Each makes the sandbox kinder, or otherwise unlike the original, in one place. */
const PLANTS: readonly [string, record: string, (answer: Heard, request: IncomingMessage) => Heard][] = [
  [
    'who is off can be switched off again',
    'changing',
    (answer) => (codeOf(answer) === 'A029' ? { status: 200, body: { response: {} } } : answer),
  ],
  [
    'who is gone can be deleted again',
    'changing',
    (answer, { method }) => (method === 'DELETE' && answer.status === 404 ? { ...answer, status: 204 } : answer),
  ],
  [
    '501 users in one call are taken',
    'bulk',
    (answer, { url }) => (url?.includes('/bulk/') && answer.status === 400 ? { status: 204, body: undefined } : answer),
  ],
  ['a field is missing', 'reading', (answer) => bent(answer, ({ subRevokedAt: _, ...user }) => user)],
  ['a field is too much', 'reading', (answer) => bent(answer, (user) => ({ ...user, phone: null }))],
  [
    'a number is text',
    'reading',
    (answer) => bent(answer, (user) => ({ ...user, trafficLimitBytes: String(user.trafficLimitBytes) })),
  ],
  ['a status is another one', 'changing', (answer) => bent(answer, (user) => ({ ...user, status: 'ACTIVE' }))],
  [
    'a wrong token is not refused',
    'transport',
    (answer) => (answer.status === 401 ? { status: 200, body: { response: {} } } : answer),
  ],
  [
    'a weighted node counts each byte once',
    'system',
    (answer) =>
      bentEach(answer, ({ nodeConsumptionMultiplier, trafficUsedBytes, ...node }) => {
        const bytes = Math.round(Number(trafficUsedBytes) / (Number(nodeConsumptionMultiplier) || 1));
        return { ...node, nodeConsumptionMultiplier, trafficUsedBytes: bytes };
      }),
  ],
  [
    'a weighted node counts the bytes of its users once',
    'system',
    (answer) => bent(answer, (user) => ({ ...user, userTraffic: withoutWeights(user.userTraffic) })),
  ],
  [
    'a node of another weight counts what it has counted anew',
    'system',
    (answer) =>
      bentEach(answer, (node) => {
        const isAnew = node.nodeConsumptionMultiplier === 4;
        return isAnew ? { ...node, trafficUsedBytes: 4 * WARSAW_BYTES } : node;
      }),
  ],
  [
    'the statistics weigh bytes',
    'system',
    (answer, { url }) =>
      url?.startsWith('/api/bandwidth-stats/') && answer.status === 200
        ? { ...answer, body: weighed(answer.body) }
        : answer,
  ],
];

/** What goes through Warsaw in the whole record. */
const WARSAW_BYTES = 4_000_001;

/** A charge without weights: at the first weighted node a user comes to 2,000,002 bytes, and not to 3,500,003. */
function withoutWeights(traffic: unknown): object {
  const { usedTrafficBytes, ...rest } = traffic as { usedTrafficBytes: number };
  return { ...rest, usedTrafficBytes: Math.min(usedTrafficBytes, 2_000_002) };
}

/** The statistics with each number of bytes twice as high. */
function weighed(value: unknown): unknown {
  if (typeof value === 'number') return value * 2;
  if (Array.isArray(value)) return value.map(weighed);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, weighed(one)])) : value;
}

type Heard = { status: number; body: unknown };

const codeOf = ({ body }: Heard): unknown => (isObject(body) ? body.errorCode : undefined);

/** The answer, with its user changed where it shows one. */
function bent(answer: Heard, change: (user: Record<string, unknown>) => object): Heard {
  const response = isObject(answer.body) ? answer.body.response : undefined;
  return isObject(response) && 'username' in response && 'status' in response
    ? { ...answer, body: { response: change(response) } }
    : answer;
}

/** The answer, with each node changed where it lists them. */
function bentEach(answer: Heard, change: (node: Record<string, unknown>) => object): Heard {
  const response = isObject(answer.body) ? answer.body.response : undefined;
  const isOfNodes = Array.isArray(response) && response.every((one) => isObject(one) && 'trafficUsedBytes' in one);
  return isOfNodes ? { ...answer, body: { response: response.map(change) } } : answer;
}

test.each(PLANTS)('a planted difference is found: %s', async (_, record, bend) => {
  await using panel = await start(3);
  const before = await serveOnLoopback(
    0,
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const headers = request.headers as Record<string, string>;
      const answered = await exchange(panel.url, {
        method: request.method!,
        target: request.url!,
        headers,
        body: Buffer.concat(chunks),
      });
      if (answered === 'cut') return void request.socket.destroy();
      const { body, status } = bend(answered, request);
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(body === undefined ? '' : JSON.stringify(body));
    },
    (response) => response.writeHead(500).end(),
  );
  const stage = new SandboxStage(panel, 3, before.url);
  const player = new Player(stage);
  let found: string[] = [];
  for (const [name, { exchanges }] of recordsOf(3)) {
    found = Object.keys(await differences(exchanges, stage, player, howToCompare(name)));
    if (name === record) break;
  }
  await before.stop(() => undefined);
  expect(found).not.toEqual([]);
});
