import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { startCryptoPaySandbox } from '../../sandbox/cryptopay/server.ts';
import { createFaults, cut, type Fault } from '../../sandbox/faults.ts';
import { serveOnLoopback } from '../../sandbox/loopback-server.ts';
import { startPanelSandbox } from '../../sandbox/panel/server.ts';
import { startS3Sandbox } from '../../sandbox/s3/server.ts';
import type { SmtpFault } from '../../sandbox/smtp/front.ts';
import { startSmtpSandbox } from '../../sandbox/smtp/server.ts';
import { NO_LIMITS } from '../../sandbox/telegram/limits.ts';
import { startTelegramSandbox } from '../../sandbox/telegram/server.ts';
import { days, seconds } from '../lib/duration.ts';
import { BreakerOpenError, errorCode, TransientError } from '../lib/errors.ts';
import { money } from '../lib/money.ts';
import { PIXEL_PNG } from '../testing/pixel.ts';
import { collect, never, testPanel } from '../testing/test-panel.ts';
import { AlertWebhook, type PostedAlert } from './alert-webhook.ts';
import { BackendClient } from './backend.ts';
import { CryptoBotClient } from './cryptobot/client.ts';
import { Mailer } from './mail/mailer.ts';
import { ClientPolicy } from './policy.ts';
import type { Panel } from './remnawave/panel.ts';
import { LocalFolder } from './storage/local-folder.ts';
import { S3Bucket } from './storage/s3-bucket.ts';
import { TelegramClient } from './telegram/client.ts';

/** How an answer is lost, and whether the other side had done its work before. */
const LOSSES = { cut_after: true, error_after: true, hang_after: true, reset: false, error: false } as const;
type Loss = keyof typeof LOSSES;

/**
 * What becomes of an act whose answer is lost. `learns`: what its caller hears. `times`: how often it was done once its caller has repeated
 * it, where the act was done and where it was not.
 */
const PROMISES = {
  'the client looks before it judges': { learns: ['done', 'unknown'], times: [1, 1] },
  'the client asks again, and twice is as once': { learns: ['done', 'done'], times: [1, 1] },
  'it is unknown, and who looks before he repeats does it once': { learns: ['unknown', 'unknown'], times: [1, 1] },
  'it is unknown, and never repeated': { learns: ['unknown', 'unknown'], times: [1, 0] },
  'it is unknown, and may be doubled: the Bot API cannot say what it has sent': {
    learns: ['unknown', 'unknown'],
    times: [2, 1],
  },
  'it is unknown, and may be doubled: the receiver knows an alert by its id': {
    learns: ['unknown', 'unknown'],
    times: [2, 1],
  },
} as const;

type Scene = AsyncDisposable & {
  /** Loses the next answer; without a loss, all is well again. */
  lose(loss?: Loss): void;
  /** `done`, or what else the client says. */
  call(): Promise<unknown>;
  /** How often the other side has done it. */
  done(): number;
  /** Whether it was done, as a caller sees it who looks before he repeats. */
  look?(): Promise<boolean>;
};

type Act = { name?: string; promise: keyof typeof PROMISES; losses?: readonly Loss[]; open(): Promise<Scene> };

/** Nothing changes by it. Reads are repeated by `ClientPolicy` itself: `policy.test.ts`. */
const reads = 'reads';
/** Another file shows it in full. It must call the method. */
type ShownIn = { shownIn: string };
type Row = typeof reads | ShownIn | readonly Act[];

type Methods<C> = { [K in keyof C]: C[K] extends (...args: never[]) => unknown ? K : never }[keyof C] & string;
/** A row for each method: one that is new has none, which does not compile. */
type Table<C> = Readonly<Record<Methods<C>, Row>>;

const observer = { called: () => undefined, breaker: () => undefined };
const LIMIT_MS = 400;
const policyOf = (service: string) => new ClientPolicy({ service, observer, timeLimitMs: LIMIT_MS });

/** The panel's acts on one user look for themselves; a bulk call names too many for that, and rejects as unknown. */
const oneUser: ShownIn = { shownIn: 'remnawave/lost-answers.test.ts' };

function bulk(
  ask: (panel: Panel, ids: string[]) => Promise<unknown>,
  isDone: (user: Awaited<ReturnType<Panel['user']>>) => boolean,
): Act[] {
  // What tasks make of it: tasks/bulk/bulk-lost-answers.db.test.ts, with the audit; reset-monthly-traffic.db.test.ts.
  return ([2, 3] as const).map((generation) => ({
    name: `${generation}.x`,
    promise: 'it is unknown, and who looks before he repeats does it once',
    async open() {
      const sandbox = await startPanelSandbox({ generation });
      const user = sandbox.addUser({
        username: 'alice',
        status: 'ACTIVE',
        expireAt: Date.now() + days(9),
        usedTrafficBytes: 50,
      });
      const id = generation === 2 ? user.uuid : String(user.id);
      const { panel } = testPanel(sandbox, { timeLimitMs: LIMIT_MS });
      await panel.version(never);
      return {
        lose: (kind) => sandbox.faults(kind && ({ kind, path: '/bulk/', count: 1 } as Fault)),
        call: async () => ((await ask(panel, [id])) === 1 ? 'done' : 'less'),
        done: () => sandbox.calls().mutations.length,
        async look() {
          // The panel queues most of its bulk calls. Callers give it minutes.
          if (sandbox.calls().mutations.length > 0)
            await expect.poll(async () => isDone(await panel.user(id, never)), { interval: 5 }).toBe(true);
          return isDone(await panel.user(id, never));
        },
        [Symbol.asyncDispose]: () => sandbox.stop(),
      };
    },
  }));
}

const panel: Table<Panel> = {
  ...{ users: reads, user: reads, again: reads, canHave: reads, usersByTelegramId: reads, userByUsername: reads },
  ...{ userByShortUuid: reads, countUsers: reads, nodes: reads, nodeMetrics: reads, bandwidth: reads, stats: reads },
  ...{ statsBandwidth: reads, health: reads, hosts: reads, configProfiles: reads, inbounds: reads, version: reads },
  missingScopes: reads,
  disable: oneUser,
  enable: oneUser,
  resetTraffic: oneUser,
  delete: oneUser,
  extendTo: oneUser,
  bulkResetTraffic: bulk(
    (at, ids) => at.bulkResetTraffic(ids, never),
    (user) => user?.usedTrafficBytes === 0,
  ),
  bulkDelete: bulk(
    (at, ids) => at.bulkDelete(ids, never),
    (user) => user === undefined,
  ),
  bulkUpdate: bulk(
    (at, ids) => at.bulkUpdate(ids, { tag: 'A' }, never),
    (user) => user?.tag === 'A',
  ),
};

/** Counts the requests that it has carried out, and loses the answers that it is told to lose. */
async function countingServer(answer: string) {
  let done = 0;
  const faults = createFaults();
  const server = await serveOnLoopback(
    0,
    async (request, response) => {
      const verdict = await faults.apply(request, response);
      if (verdict === 'handled') return;
      request.resume();
      await once(request, 'end');
      done += 1;
      if (verdict === 'cut-after') cut(response);
      else response.end(answer);
    },
    cut,
  );
  return {
    url: server.url,
    done: () => done,
    lose: (kind?: Loss) => (kind ? faults.add({ kind, count: 1 }) : faults.clear()),
    [Symbol.asyncDispose]: () => server.stop(() => faults.clear()),
  };
}

/** With the rows of the platform: domain/payments/backend-settlement.db.test.ts, tasks/payments/lost-webhooks.db.test.ts. */
const backend: Table<BackendClient> = {
  probe: reads,
  tell: [
    {
      promise: 'the client looks before it judges',
      async open() {
        const { url, ...server } = await countingServer('{"status":"processed"}');
        const breaker = { failuresToOpen: 1, halfOpenAfterMs: 0 };
        const policy = new ClientPolicy({ service: 'backend', observer, timeLimitMs: seconds(5), ...breaker });
        const client = new BackendClient({ baseUrl: url, cryptobotToken: 'token', callMs: LIMIT_MS, policy });
        const isDone = async () => server.done() > 0;
        return {
          ...server,
          async call() {
            await client.tell('invoice_paid', { id: '7', price: money('9.99', 'USD') }, { isDone, signal: never });
            // A lost answer is no failure of a backend that has done its work: the first failure would open the breaker.
            return policy.state === 'closed' ? 'done' : policy.state;
          },
          look: isDone,
        };
      },
    },
  ],
};

async function cryptoPay() {
  const sandbox = await startCryptoPaySandbox();
  const client = new CryptoBotClient({ token: sandbox.token, baseUrl: sandbox.url, policy: policyOf('cryptobot') });
  const calls = (method: string) => sandbox.world.calls.filter((call) => call.method === method).length;
  const lose = (path: string) => (kind?: Loss) => sandbox.faults(kind && { kind, path, count: 1 });
  return { client, calls, lose, store: sandbox.world.store, [Symbol.asyncDispose]: () => sandbox.stop() };
}
const INVOICE = { price: money('9.99', 'USD'), description: 'One month', payload: 'renewal:7' };

const cryptobot: Table<CryptoBotClient> = {
  getMe: reads,
  getInvoices: reads,
  listInvoices: reads,
  // With the claim of the renewal: tasks/subscriptions/auto-renew-subscriptions.db.test.ts.
  createInvoice: [
    {
      promise: 'it is unknown, and who looks before he repeats does it once',
      async open() {
        const { client, lose, store, ...rest } = await cryptoPay();
        return {
          ...rest,
          lose: lose('createInvoice'),
          call: async () => ((await client.createInvoice(INVOICE, never)).payUrl ? 'done' : 'no link'),
          done: () => store.list().length,
          look: async () =>
            (await collect(client.listInvoices({ status: 'active' }, never))).some(
              ({ payload }) => payload === INVOICE.payload,
            ),
        };
      },
    },
  ],
  // With the payment's row: domain/payments/closing.db.test.ts.
  deleteInvoice: [
    {
      promise: 'it is unknown, and who looks before he repeats does it once',
      async open() {
        const { client, lose, store, ...rest } = await cryptoPay();
        const { id } = await client.createInvoice(INVOICE, never);
        return {
          ...rest,
          lose: lose('deleteInvoice'),
          call: async () => (await client.deleteInvoice(id, never)) ?? 'done',
          done: () => 1 - store.list().length,
          look: async () => (await client.getInvoices([id], never)).items.length === 0,
        };
      },
    },
  ],
};

/** Its callers mark a message before it leaves and after the answer, so that only this one moment can double it: domain/notifications. */
const sends = (send: (client: TelegramClient) => ReturnType<TelegramClient['sendMessage']>): Act[] => [
  {
    promise: 'it is unknown, and may be doubled: the Bot API cannot say what it has sent',
    async open() {
      const sandbox = await startTelegramSandbox({ limits: NO_LIMITS });
      const { token, url } = sandbox;
      const client = new TelegramClient({ token, apiRoot: url, observer, timeLimitMs: LIMIT_MS });
      return {
        lose: (kind) => sandbox.faults(kind && { kind, path: '/send', count: 1 }),
        call: async () => {
          const outcome = await send(client);
          return outcome.kind === 'sent' ? 'done' : outcome;
        },
        done: () => sandbox.messages().length,
        async [Symbol.asyncDispose]() {
          client[Symbol.dispose]();
          await sandbox.stop();
        },
      };
    },
  },
];

/** Repeated, it finds nothing to delete; who repeats it has noted that before the first call: domain/notifications/broadcast-deletion. */
const deletes: Act[] = [
  {
    promise: 'it is unknown, and who looks before he repeats does it once',
    async open() {
      const sandbox = await startTelegramSandbox({ limits: NO_LIMITS });
      const { token, url } = sandbox;
      const client = new TelegramClient({ token, apiRoot: url, observer, timeLimitMs: LIMIT_MS });
      const sent = await client.sendMessage({ chatId: 7, text: 'x' }, never);
      const messageId = sent.kind === 'sent' ? sent.messageId : 0;
      let calls = 0;
      return {
        lose: (kind) => sandbox.faults(kind && { kind, path: '/deleteMessage', count: 1 }),
        call: async () => {
          calls += 1;
          const outcome = await client.deleteMessage(7, messageId, never);
          const isGone = outcome.kind === 'not_deleted' && outcome.reason === 'not_found' && calls > 1;
          return outcome.kind === 'deleted' || isGone ? 'done' : outcome;
        },
        done: () => sandbox.stats().deleted,
        async [Symbol.asyncDispose]() {
          client[Symbol.dispose]();
          await sandbox.stop();
        },
      };
    },
  },
];

const telegram: Table<TelegramClient> = {
  deleteMessage: deletes,
  getMe: reads,
  probe: reads,
  sendMessage: sends((client) => client.sendMessage({ chatId: 7, text: 'x' }, never)),
  sendPhoto: sends((client) => client.sendPhoto({ chatId: 7, file: { name: 'a.png', bytes: PIXEL_PNG } }, never)),
};

/** A refusal of the dot is SMTP's word that the message was not taken, so no 5xx loses an answer: mailer.test.ts has every stage and code. */
const SMTP: Partial<Record<Loss, SmtpFault>> = {
  cut_after: { stage: 'message', kind: 'lost_answer', times: 1 },
  hang_after: { stage: 'message', kind: 'slow', ms: 2 * LIMIT_MS, times: 1 },
  reset: { stage: 'message', kind: 'cut', times: 1 },
};

const mail: Table<Mailer> = {
  verify: reads,
  // With the handover in Redis: tasks/email/emails.db.test.ts.
  send: [
    {
      promise: 'it is unknown, and never repeated',
      losses: Object.keys(SMTP) as Loss[],
      async open() {
        const sandbox = await startSmtpSandbox();
        const limits = { toDotMs: seconds(5), answerMs: LIMIT_MS };
        const from = 'no-reply@vpn.example';
        const urls = { primaryUrl: sandbox.url, resendUrl: undefined };
        const mailer = new Mailer({ ...urls, from, mayBeClear: false, observer, limits });
        let isTaken = false;
        const handover = {
          async take() {
            if (isTaken) throw new Error('another attempt has handed it over');
            isTaken = true;
          },
          async giveBack() {
            isTaken = false;
          },
          settle: async () => undefined,
        };
        const letter = { to: 'ivan@example.com', subject: 'Code', text: '1', html: '<p>1</p>', locale: 'en' };
        const options = { isResend: false, id: 'job-1', attempt: 1, signal: never, handover, tried: () => undefined };
        return {
          lose: (loss) => sandbox.faults(...(loss ? [SMTP[loss]!] : [])),
          call: async () => (await mailer.send(letter, options)) ?? 'done',
          done: () => sandbox.mails().length,
          // The next attempt finds the right to hand it over taken, which is neither given back nor settled.
          look: async () => isTaken,
          [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
        };
      },
    },
  ],
};

async function bucket() {
  const sandbox = await startS3Sandbox();
  const storage = new S3Bucket({
    ...{ bucket: sandbox.name, prefix: 'p', region: 'eu-central-1', endpoint: sandbox.url, forcePathStyle: true },
    ...{ checksums: false, silenceMs: LIMIT_MS, credentials: sandbox.keys },
  });
  /** The SDK asks three times. */
  const lose = (method: Fault['method'], path: string, count: number) => (kind?: Loss) =>
    sandbox.faults(kind && ({ kind, path, method, count } as Fault));
  return {
    bucket: sandbox.bucket,
    storage,
    lose,
    async [Symbol.asyncDispose]() {
      storage[Symbol.dispose]();
      await sandbox.stop();
    },
  };
}

const SIZES = [
  { size: 'in one piece', bytes: 1_000, method: 'PUT', path: '/p/a.csv' },
  // The answer to the last call, by which parts become an object.
  { size: 'in parts', bytes: 9_000_000, method: 'POST', path: 'uploadId' },
] as const;
const TIMES = [
  { how: 'once', count: 1, promise: 'the client asks again, and twice is as once' },
  { how: 'each time', count: 3, promise: 'the client looks before it judges' },
] as const;

const puts: Act[] = SIZES.flatMap(({ bytes, method, path, size }) =>
  TIMES.map(({ count, how, promise }) => ({
    name: `${size}, ${how}`,
    promise,
    async open() {
      const { bucket: kept, lose, storage, ...rest } = await bucket();
      const content = Buffer.alloc(bytes, 'x');
      // An older object of the same name is not taken for the new one.
      kept.put('p/a.csv', Buffer.alloc(bytes, 'y'));
      return {
        ...rest,
        lose: lose(method, path, count),
        call: async () => ((await storage.put('a.csv', content, never)).bytes === bytes ? 'done' : 'less'),
        done: () => [...kept.objects.values()].filter(({ body }) => body.equals(content)).length,
      };
    },
  })),
);

/** `LocalFolder` is the same contract without a wire: the operating system loses no answers. */
const storage: Table<S3Bucket> & Table<LocalFolder> = {
  list: reads,
  unfinished: reads,
  stat: reads,
  open: reads,
  put: puts,
  delete: [
    {
      promise: 'the client asks again, and twice is as once',
      async open() {
        const { bucket: kept, lose, storage: at, ...rest } = await bucket();
        kept.put('p/a.csv', Buffer.from('x'));
        return {
          ...rest,
          lose: lose('DELETE', '/p/a.csv', 1),
          call: async () => (await at.delete('a.csv', never)) ?? 'done',
          done: () => 1 - kept.objects.size,
        };
      },
    },
  ],
  deleteUnfinished: [
    {
      promise: 'the client asks again, and twice is as once',
      async open() {
        const { bucket: kept, lose, storage: at, ...rest } = await bucket();
        kept.begin('p/a.csv');
        return {
          ...rest,
          lose: lose('DELETE', 'uploadId', 1),
          call: async () => {
            const { deleted, refused } = await at.deleteUnfinished(new Date(Date.now() + 1_000), never);
            return deleted === 1 ? 'done' : refused;
          },
          done: () => 1 - kept.uploads.size,
        };
      },
    },
  ],
};

const ALERT: PostedAlert = {
  ...{
    id: 'node_offline:a',
    phase: 'began',
    severity: 'critical',
    subject: 'a',
    since: new Date(0),
    text: 'a is down',
  },
  url: undefined,
};

const alertWebhook: Table<AlertWebhook> = {
  probe: reads,
  post: [
    {
      promise: 'it is unknown, and may be doubled: the receiver knows an alert by its id',
      async open() {
        const { url, ...server } = await countingServer('ok');
        const policy = policyOf('alert_webhook');
        const client = new AlertWebhook({ url, secret: undefined, format: 'own', policy });
        return { ...server, call: async () => (await client.post(ALERT, new Date(0), never)) ?? 'done' };
      },
    },
  ],
};

/** By the name in this folder, with the methods that the client really has. */
const CLIENTS: Readonly<Record<string, { table: Readonly<Record<string, Row>>; methods: readonly string[] }>> = {
  'alert-webhook.ts': { table: alertWebhook, methods: methodsOf(AlertWebhook) },
  'backend.ts': { table: backend, methods: methodsOf(BackendClient) },
  cryptobot: { table: cryptobot, methods: methodsOf(CryptoBotClient) },
  mail: { table: mail, methods: methodsOf(Mailer) },
  remnawave: { table: panel, methods: Object.keys(testPanel({ url: 'http://127.0.0.1:1', token: 'x' }).panel) },
  storage: { table: storage, methods: [...new Set([...methodsOf(S3Bucket), ...methodsOf(LocalFolder)])] },
  telegram: { table: telegram, methods: methodsOf(TelegramClient) },
};

function methodsOf({ prototype }: { prototype: object }): string[] {
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  return own.flatMap(([name, { value }]) => (typeof value === 'function' && name !== 'constructor' ? [name] : []));
}

/** An outcome that is neither done nor refused: the caller may look. */
const isUnknown = (error: unknown): boolean =>
  errorCode(error) === 'mail_outcome_unknown' ||
  (error instanceof TransientError &&
    !(error instanceof BreakerOpenError) &&
    !/refused|rate_limited/.test(errorCode(error)));

test('every client of this folder has its table', async () => {
  const here = (await readdir(import.meta.dirname)).filter((name) => !/\.test\.ts$|^policy\.ts$/.test(name));
  expect(new Set(Object.keys(CLIENTS))).toEqual(new Set(here));
});

describe.each(Object.entries(CLIENTS))('%s', (_client, { methods, table }) => {
  test('every method has its row', () => {
    expect(new Set(Object.keys(table))).toEqual(new Set(methods));
  });

  const elsewhere = Object.entries(table).flatMap(([method, row]) =>
    typeof row === 'object' && 'shownIn' in row ? [[method, row.shownIn] as const] : [],
  );
  if (elsewhere.length > 0)
    test.each(elsewhere)('%s is shown in %s', async (method, file) => {
      expect(await readFile(new URL(file, import.meta.url), 'utf8')).toContain(`panel.${method}(`);
    });

  const acts = Object.entries(table).flatMap(([method, row]) =>
    Array.isArray(row)
      ? (row as readonly Act[]).flatMap(({ losses = Object.keys(LOSSES) as Loss[], name = '', promise, open }) =>
          losses.map((loss) => ({ what: `${method} ${name}`.trim(), loss, promise, open })),
        )
      : [],
  );
  test.each(acts)('$what, $loss: $promise', async ({ loss, open, promise }) => {
    await using scene = await open();
    const { learns, times } = PROMISES[promise];
    const at = LOSSES[loss] ? 0 : 1;
    scene.lose(loss);
    const heard = await scene.call().catch((error: unknown) => (isUnknown(error) ? 'unknown' : error));
    expect(heard).toBe(learns[at]);
    expect(scene.done()).toBe(LOSSES[loss] || heard === 'done' ? 1 : 0);
    scene.lose();
    if (heard !== 'done' && !(await scene.look?.())) expect(await scene.call()).toBe('done');
    expect(scene.done()).toBe(times[at]);
  });
});
