import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { z } from 'zod';
import { storable } from '../lib/bad-text.ts';
import type { ItemKind, OnRead } from '../lib/read-each.ts';
import type { Database } from './database.ts';
import { type RowPage, rowPage } from './row-page.ts';

/** What a webhook of Crypto Pay is remembered by: the backend's own redacted form, with fingerprints in place of ids. */
export type ReceivedWebhook = {
  id: string;
  eventType: string | undefined;
  isValid: boolean;
  /** Why it was refused. */
  reason?: string;
  signature: string | undefined;
  updateId?: string;
  invoiceId?: string;
  status?: string;
};

/** What an event of the panel is remembered by. `subject` is whom it names. */
export type ReceivedEvent = Pick<ReceivedWebhook, 'eventType' | 'id' | 'isValid' | 'reason' | 'signature'> & {
  subject?: string;
};

export type UnprocessedWebhook = {
  id: string;
  source: string;
  eventType: string;
  payload: unknown;
  /** Failed tries so far. */
  attempts: number;
};

/** No webhook that anybody sends comes near: a larger one is not even fetched. */
const PAYLOAD_BYTES = 256 * 1024;

const webhooks: ItemKind<UnprocessedWebhook> = {
  source: 'webhook_logs',
  names: ['id', 'event_type'],
  schema: z
    .object({
      id: z.string(),
      source: z.string(),
      event_type: z.string().nullable(),
      payload_bytes: z.int().max(PAYLOAD_BYTES),
      payload: z.unknown(),
      attempts: z.int(),
    })
    .transform(({ attempts, event_type: eventType, id, payload, source }) => ({
      ...{ attempts, id, payload, source },
      eventType: eventType ?? 'unknown',
    })),
};

/** Tells rows of this worker from those that the backend writes about the same events. */
const OURS = 'task-worker';

/** How the platform stands for an id that it must not keep: hex SHA-256 of the trimmed text. */
export function fingerprintOf(text: string): string {
  return createHash('sha256').update(text.trim()).digest('hex');
}

/** The prefix that Python workers count tries with; there is no column for them. */
const ATTEMPTS = sql`coalesce(substring(error_message from '^attempt=(\\d{1,3}); ')::int, 0)`;

/** Webhooks as they came in. The backend writes them too, and never says whether they were handled. */
export class WebhookLogs {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  /** Keeps a webhook of Crypto Pay. */
  async insertCryptobot(webhook: ReceivedWebhook): Promise<void> {
    const { invoiceId, status, updateId } = webhook;
    await this.#insert('cryptobot', webhook, false, {
      event_id_fingerprint: updateId === undefined ? null : fingerprintOf(updateId),
      invoice_id_fingerprint: invoiceId === undefined ? null : fingerprintOf(invoiceId),
      status: status === undefined ? null : storable(status),
    });
  }

  /** Keeps an event of the panel. A valid one is kept as processed: whom it names is looked at already. */
  async insertPanelEvent(event: ReceivedEvent): Promise<void> {
    const { subject } = event;
    await this.#insert('remnawave', event, event.isValid, {
      subject_fingerprint: subject === undefined ? null : fingerprintOf(subject),
      received_by: OURS,
    });
  }

  /**
   * When this worker last took an event of the panel, when it last refused one, and when the backend last wrote one, of those after `since`.
   * Reads the rows since then.
   */
  async panelEvents(since: Date): Promise<{ taken?: Date; refused?: Date; byBackend?: Date }> {
    const ours = sql<boolean>`payload ->> 'received_by' = ${OURS}`;
    const { rows } = await sql<{ taken: Date | null; refused: Date | null; by_backend: Date | null }>`
      select max(created_at) filter (where ${ours} and is_valid) as taken,
             max(created_at) filter (where ${ours} and not is_valid) as refused,
             max(created_at) filter (where ${ours} is not true) as by_backend
        from webhook_logs where source = 'remnawave' and created_at > ${since}`.execute(this.#db);
    const { by_backend: byBackend, refused, taken } = rows[0]!;
    return { ...(taken && { taken }), ...(refused && { refused }), ...(byBackend && { byBackend }) };
  }

  async #insert(
    source: 'cryptobot' | 'remnawave',
    webhook: Pick<ReceivedWebhook, 'eventType' | 'id' | 'isValid' | 'reason' | 'signature'>,
    isProcessed: boolean,
    about: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    const { id, isValid, reason, signature } = webhook;
    // What others sent under this name may hold a character that PostgreSQL refuses, and the delivery would come again forever.
    const eventType = webhook.eventType === undefined ? null : storable(webhook.eventType);
    const payload = {
      schema: 'webhook_log.redacted.v1',
      source,
      event_type: eventType,
      ...about,
      signature_present: signature !== undefined,
      validation_status: isValid ? 'valid' : 'invalid',
      validation_reason: reason ?? null,
    };
    await sql`
      insert into webhook_logs (id, source, event_type, payload, signature, is_valid, processed_at, error_message)
      values (${id}, ${source}, ${eventType}, ${JSON.stringify(payload)}::jsonb,
              ${signature === undefined ? null : fingerprintOf(signature)}, ${isValid},
              case when ${isProcessed}::boolean then now() end, ${reason ?? null})`.execute(this.#db);
  }

  /** Valid rows that nobody has dealt with, created after `since`, with fewer than `maxAttempts` failed tries, by id after `afterId`. */
  async unprocessed(
    since: Date,
    maxAttempts: number,
    afterId: string | undefined,
    limit: number,
  ): Promise<RowPage<UnprocessedWebhook>> {
    const after = afterId === undefined ? sql`` : sql`and id > ${afterId}`;
    const { rows } = await sql<{ id: string }>`
      select id, source, event_type, octet_length(payload::text) as payload_bytes,
             case when octet_length(payload::text) <= ${PAYLOAD_BYTES} then payload end as payload, ${ATTEMPTS} as attempts
        from webhook_logs
       where is_valid and processed_at is null and created_at > ${since} and ${ATTEMPTS} < ${maxAttempts} ${after}
       order by id limit ${limit}`.execute(this.#db);
    return rowPage(rows, limit, webhooks, this.#onRead);
  }

  /** Clears the trouble of earlier tries as well. */
  async markProcessed(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await sql`
      update webhook_logs set processed_at = now(), error_message = null
       where id = any(${[...ids]}::uuid[]) and processed_at is null`.execute(this.#db);
  }

  /** Marks all deliveries about this invoice since then, and clears the trouble of earlier tries. */
  async markInvoiceProcessed(invoiceId: string, since: Date): Promise<void> {
    await sql`
      update webhook_logs set processed_at = now(), error_message = null
       where source = 'cryptobot' and is_valid and processed_at is null and created_at > ${since}
         and payload ->> 'invoice_id_fingerprint' = ${fingerprintOf(invoiceId)}`.execute(this.#db);
  }

  /** Counts a failed try of each, of `maxAttempts`, with its reason. */
  async recordFailures(rows: readonly { id: string; reason: string }[], maxAttempts: number): Promise<void> {
    if (rows.length === 0) return;
    await sql`
      update webhook_logs as log
         set error_message = format('attempt=%s; retry %s/%s: %s', ${ATTEMPTS} + 1, ${ATTEMPTS} + 1, ${maxAttempts}::int, failed.reason)
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.reason)}::text[]) as failed(id, reason)
       where log.id = failed.id and log.processed_at is null`.execute(this.#db);
  }
}
