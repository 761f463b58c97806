/**
 * A message that somebody must get. `row`: it stands in PostgreSQL. `job`: until it is sent, it lives in Redis alone. `mail`: a job that
 * sends by SMTP.
 */
export type AskedMessage = {
  kind: 'row' | 'job' | 'mail';
  /** Chat and text, or address: what is counted at the sandbox. */
  key: string;
  atMs: number;
  /** Its chat has blocked the bot. */
  refused?: boolean;
};

/** What a customer does with an invoice. `silent`: pays, and no webhook says so. `mismatch`: pays another amount than the payment's. */
export type PayerMood = 'pays' | 'silent' | 'mismatch' | 'expires' | 'waits';

export type AskedPayment = {
  id: string;
  invoiceId: number;
  customer: string;
  days: number;
  mood: PayerMood;
  /** When it was paid or ran out; undefined where that has not happened. */
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
export type AskedTaskiq = { taskId: string; atMs: number; isPoison: boolean };

/** All that was asked of the service and taken by it. What a broken connection left in doubt is not in here. */
export class Asked {
  readonly messages: AskedMessage[] = [];
  readonly payments: AskedPayment[] = [];
  readonly customers: Customer[] = [];
  readonly bulk: AskedBulk[] = [];
  readonly exports: AskedExport[] = [];
  readonly taskiq: AskedTaskiq[] = [];
  /** Panel users who are over within days: each is reminded once. */
  readonly expiring: { username: string; telegramId: number }[] = [];
  /** Panel users whose time ends during the run. */
  readonly ending: string[] = [];
  /** Requests whose answer was lost: nobody knows whether they count. */
  inDoubt = 0;
  /** Keys of messages that were asked for in a request whose answer was lost. */
  readonly doubtful = new Set<string>();
}

export const keyOf = (chat: number, text: string): string => `${chat} ${text}`;
