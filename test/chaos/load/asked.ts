/**
 * A message that must arrive. `row`: it is in PostgreSQL. `job`: until it is sent, it lives in Redis alone. `mail`: a job that sends by
 * SMTP.
 */
export type AskedMessage = {
  kind: 'row' | 'job' | 'mail';
  /** Chat and text, or address: the key under which the sandbox's messages are counted. */
  key: string;
  atMs: number;
  /** Its chat has blocked the bot. */
  refused?: boolean;
  /** It was taken back when it was hardly sent, or nobody knows whether it was asked for. */
  mayBeMissing?: boolean;
  /** Of a mail: the job that sends it. */
  jobId?: string;
};

/** A customer's action on an invoice. `silent`: pays, but no webhook is sent. `mismatch`: pays another amount than the payment's. */
export type PayerMood = 'pays' | 'silent' | 'mismatch' | 'expires' | 'waits';

export type AskedPayment = {
  id: string;
  invoiceId: number;
  customer: string;
  days: number;
  mood: PayerMood;
  /** The time at which it was paid or expired; undefined where neither has happened. */
  actedAtMs: number | undefined;
};

export type Customer = { username: string; telegramId: number; id: string; expireAtMs: number };

export type AskedBulk = {
  jobId: string;
  operation: 'disable' | 'reset_traffic';
  users: string[];
  ids: number[];
  atMs: number;
};
export type AskedExport = { jobId: string; atMs: number };
/** A dry run, and how many it has to name. */
export type AskedDryRun = { jobId: string; task: string; atMs: number; wouldTouch: number };
export type AskedTaskiq = { taskId: string; atMs: number; isPoison: boolean };

/** A planned broadcast, and how it has to end; undefined where no answer came to what staff said last. */
export type AskedBroadcast = {
  id: string;
  atMs: number;
  keys: readonly string[];
  wish: 'done' | 'cancelled' | undefined;
};

export const BESIDE = [
  'alerts acknowledged by a button',
  'brakes answered by a button',
  'campaign messages',
  'dry runs',
  'events of the panel',
  'jobs of the next version',
  'rows that nobody can send',
] as const;
export type Beside = (typeof BESIDE)[number];

/** All requests that the service has accepted. Requests whose answer was lost are not included. */
export class Asked {
  readonly messages: AskedMessage[] = [];
  readonly payments: AskedPayment[] = [];
  readonly customers: Customer[] = [];
  readonly bulk: AskedBulk[] = [];
  readonly exports: AskedExport[] = [];
  readonly taskiq: AskedTaskiq[] = [];
  readonly broadcasts: AskedBroadcast[] = [];
  readonly dryRuns: AskedDryRun[] = [];
  /** Jobs of a task that no worker here knows. */
  readonly ofNextVersion: { jobId: string; atMs: number }[] = [];
  /** Alerts that the admin has acknowledged, and when the bot had said so. */
  readonly acknowledged: { alert: string; atMs: number }[] = [];
  /** When the admin first said that the held messages may go, and whether the bot has said that they do. */
  letGoAtMs: number | undefined;
  isLetGo = false;
  /** The number of events that the panel had not signed and that were taken as its own. */
  forgedTaken = 0;
  /** Panel users whose subscription ends within days: each is reminded once. */
  readonly expiring: { username: string; telegramId: number }[] = [];
  /** Panel users whose time ends during the run. */
  readonly ending: string[] = [];
  /** How many of each other part of the load, by what people call it. */
  readonly beside: Record<Beside, number> = {
    ...{ 'alerts acknowledged by a button': 0, 'brakes answered by a button': 0 },
    ...{ 'campaign messages': 0, 'dry runs': 0, 'events of the panel': 0 },
    ...{ 'jobs of the next version': 0, 'rows that nobody can send': 0 },
  };
  /** The number of requests whose answer was lost, so that it is unknown whether they count. */
  inDoubt = 0;
  /** Keys of messages whose request got no answer. */
  readonly doubtful = new Set<string>();
}

export const keyOf = (chat: number, text: string): string => `${chat} ${text}`;
