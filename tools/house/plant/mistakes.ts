import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One mistake that somebody may make, and what finds it: the compiler, or one test by its name. */
export type Mistake = {
  what: string;
  path: string;
  /** The text of the file with the mistake in it; of an empty text where there is no such file. */
  edit(text: string): string;
  by: 'compiler' | { file: string; test: string };
};

const house = (file: string, test: string): Mistake['by'] => ({ file: `tools/house/${file}.test.ts`, test });

/** Where a task is enqueued by the code, and how it is written there. */
const ENQUEUED: readonly (readonly [path: string, call: string, task: string])[] = [
  ['src/app/build-app.ts', 'runSoon(processNotificationQueue,', 'process_notification_queue'],
  ['src/app/doors/cryptobot-webhook.ts', 'dispatch(processPaymentCompletion,', 'process_payment_completion'],
  ['src/tasks/bulk/execute-bulk-broadcast.ts', 'enqueue(control,', 'control_bulk_broadcast'],
  [
    'src/tasks/payments/process-payment-completion.ts',
    'enqueue(processNotificationQueue,',
    'process_notification_queue',
  ],
  ['src/tasks/payments/retry-failed-webhooks.ts', 'enqueue(processPaymentCompletion,', 'process_payment_completion'],
  ['src/tasks/payments/verify-pending-payments.ts', 'enqueue(processPaymentCompletion,', 'process_payment_completion'],
  ['src/tasks/subscriptions/reset-monthly-traffic.ts', 'enqueue(broadcastMessage,', 'broadcast_message'],
];

/** Every mistake that the house is to find. Throws where the code has no such place any more. */
export async function mistakesIn(root: string): Promise<readonly Mistake[]> {
  const misspelt = await Promise.all(
    ENQUEUED.map(async ([path, call, task]): Promise<Mistake> => {
      if (!(await readFile(join(root, path), 'utf8')).includes(call)) throw new Error(`${path} has no ${call}`);
      const name = call.slice(call.indexOf('(') + 1, -1);
      const wrong = `{ name: '${task.slice(0, 3)}${task.slice(4)}', payload: ${name}.payload }`;
      return {
        what: `${task} enqueued under a misspelt name in ${path}`,
        path,
        edit: (text) => text.replace(call, call.replace(`${name},`, `${wrong},`)),
        by: 'compiler',
      };
    }),
  );
  return [
    ...misspelt,
    {
      what: 'a task dispatched by a misspelt name',
      path: 'src/app/doors/cryptobot-webhook.ts',
      edit: (text) => text.replace('dispatch(processPaymentCompletion,', "dispatchNamed('process_payment_completon',"),
      by: house('enqueue', 'and nowhere else as text'),
    },
    {
      what: 'a new secret variable without a mark',
      path: 'src/config.ts',
      edit: (text) =>
        text.replace('variables = z.object({', 'variables = z.object({\n  GEO_API_TOKEN: text.optional(),'),
      by: house('secrets', 'every variable that is named like a secret'),
    },
    {
      what: 'a file in src/',
      path: 'src/helpers.ts',
      edit: () => 'export const help = 1;\n',
      by: house('layers', 'nothing but main.ts, config.ts and services.ts lies in src/ itself'),
    },
    {
      what: 'an import from app/',
      path: 'src/runtime/slots.ts',
      edit: (text) => `import type { App } from '../app/build-app.ts';\nexport type Of = App;\n${text}`,
      by: house('layers', 'imports point one way'),
    },
    {
      what: 'a reader of JSON in Redis beside the one place',
      path: 'src/repositories/redis/monitoring/last-runs.ts',
      edit: (text) => `${text}\nexport const lastRunIn = (text: string): LastRun => JSON.parse(text) as LastRun;\n`,
      by: house('parsing', 'JSON from Redis is read in one place, so that one odd entry fails no other'),
    },
    {
      what: 'a circle of types alone',
      path: 'src/lib/duration.ts',
      edit: (text) => `import type { Patience } from './later.ts';\nexport type Waiting = Patience;\n${text}`,
      by: house('layers', 'no file imports itself through others, types included'),
    },
    {
      what: 'a second export of the same name',
      path: 'src/domain/bulk/tally.ts',
      edit: (text) => `${text}\nexport type PaymentVerdict = 'wait';\n`,
      by: house('names', 'no two files export the same name'),
    },
    {
      what: 'a service that nothing builds',
      path: 'src/tasks/sync/sync-user-stats.ts',
      edit: (text) => text.replace("needs: ['panel',", "needs: ['panel', 'geoip',"),
      by: 'compiler',
    },
    {
      what: 'a store that is built a second time',
      path: 'src/app/doors/http.ts',
      edit: (text) =>
        `import { Flags } from '../../repositories/redis/flags.ts';\n${text}\nexport const again = (app: App) => new Flags(app.redis);\n`,
      by: house('wiring', 'what stands on a connection is built in one place'),
    },
    {
      what: 'a member for tests alone',
      path: 'src/repositories/redis/flags.ts',
      edit: (text) => text.replace(/\n}\n*$/, '\n\n  forTests(): number {\n    return 1;\n  }\n}\n'),
      by: house('members', 'nothing that a file exports, and no public member of it, is for tests alone'),
    },
    {
      what: 'a transaction over a call of a client',
      path: 'src/domain/payments/ledger.ts',
      edit: (text) =>
        `import type { Panel } from '../../clients/remnawave/panel.ts';\n${text}\nexport const planted = (db: Database, panel: Panel, signal: AbortSignal) =>\n  db.transaction().execute(async () => await panel.version(signal));\n`,
      by: house('transactions', 'no transaction is open over a call of a client'),
    },
    {
      what: 'an outside service that doctor does not look at',
      path: 'src/clients/geoip.ts',
      edit: () => 'export class GeoIpClient {}\n',
      by: house('measure', 'doctor looks at every outside service'),
    },
    {
      what: 'a service that is watched without a name',
      path: 'src/domain/monitoring/compose.ts',
      edit: (text) =>
        text.replace(
          '          cryptobot: (signal)',
          '          geoip: (signal) => cryptobot.getMe(signal),\n          cryptobot: (signal)',
        ),
      by: 'compiler',
    },
    {
      what: 'a metric that was renamed',
      path: 'src/observability/series.ts',
      edit: (text) => text.replace("'cybervpn_tasks_stuck'", "'cybervpn_stuck_tasks'"),
      by: house('surface', 'the names that others know are those of the record'),
    },
  ];
}
