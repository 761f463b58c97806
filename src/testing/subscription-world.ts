import type { SandboxUser } from '../../sandbox/panel/model.ts';
import { type PanelSandbox, type PanelSandboxOptions, startPanelSandbox } from '../../sandbox/panel/server.ts';
import type { Result } from '../runtime/define-task.ts';
import { type RunOptions, type TestApp, testApp } from './test-app.ts';

export const GENERATIONS = [2, 3] as const;
export type GenerationNumber = (typeof GENERATIONS)[number];

export type NewSubscription = Partial<Omit<SandboxUser, 'id' | 'expireAt'>> & {
  /** Milliseconds from the panel's present time; negative for the past. */
  endsInMs: number;
};

/** The application beside a panel of one generation, whose time stands still until moved. Each test has a world of its own. */
export interface SubscriptionWorld extends AsyncDisposable {
  readonly app: TestApp;
  readonly panel: PanelSandbox;
  /** Adds one customer to the panel; without a `telegramId` it gets one that no other has. */
  customer(username: string, subscription: NewSubscription): SandboxUser;
  /** Adds this many customers whose time ends in a year, so that the others are a small share. */
  crowd(count: number): void;
  /** Runs a task at the panel's time. */
  run(task: string, options?: RunOptions): Promise<Result>;
  /** Rows of `notification_queue` to customers, oldest first. */
  messages(): Promise<readonly MessageRow[]>;
  /** The texts that were sent to the admins. */
  alerts(): Promise<readonly string[]>;
  audits(action: string): Promise<readonly { entity_id: string; old_value: unknown; new_value: unknown }[]>;
  /** Delivers the messages due at the panel's time and returns those that reached this chat. */
  deliver(chatId?: number): Promise<readonly string[]>;
}

export type MessageRow = {
  id: string;
  telegram_id: string;
  message: string;
  notification_type: string;
  status: string;
  error_message: string | null;
};

const YEAR_MS = 365 * 86_400_000;
const ADMIN = 900000001;

export async function subscriptionWorld(
  generation: GenerationNumber,
  environment: Readonly<Record<string, string>> = {},
  startAt: Date = new Date(),
  panelOptions: Partial<PanelSandboxOptions> = {},
): Promise<SubscriptionWorld> {
  const panel = await startPanelSandbox({ generation, startAt, ...panelOptions });
  const app = await testApp({
    REMNAWAVE_URL: panel.url,
    REMNAWAVE_API_TOKEN: panel.token,
    ADMIN_TELEGRAM_IDS: String(ADMIN),
    ...environment,
  });
  let people = 0;
  const rows = async (where: string): Promise<MessageRow[]> =>
    (
      await app.database.pool.query<MessageRow>(
        `select * from notification_queue where ${where} order by created_at, id`,
      )
    ).rows;
  const customer: SubscriptionWorld['customer'] = (username, { endsInMs, ...fields }) => {
    people += 1;
    return panel.addUser({
      telegramId: 500_000 + people,
      createdAt: panel.now().getTime() - YEAR_MS,
      ...fields,
      username,
      expireAt: panel.now().getTime() + endsInMs,
    });
  };
  return {
    app,
    panel,
    customer,
    crowd(count) {
      for (let i = 1; i <= count; i += 1) customer(`crowd_${i}`, { endsInMs: YEAR_MS });
    },
    run: (task, options = {}) => app.run(task, {}, { now: panel.now(), ...options }),
    messages: () => rows(`notification_type not like 'alert%'`),
    async alerts() {
      return (await rows(`notification_type like 'alert%'`)).map(({ message }) => message);
    },
    async audits(action) {
      return (await app.database.pool.query('select * from audit_logs where action = $1 order by created_at', [action]))
        .rows;
    },
    async deliver(chatId) {
      await app.run('process_notification_queue', {}, { now: panel.now() });
      return app.telegram.messages(chatId === undefined ? {} : { chatId }).map(({ visible }) => visible);
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await panel.stop();
    },
  };
}
