import { z } from 'zod';
import { fingerprintOf, type UnprocessedWebhook } from '../../repositories/webhook-logs.ts';

/** The subject of a stored webhook. */
export type WebhookSubject =
  | { kind: 'payment'; isPaid: boolean; paymentId: string | undefined; fingerprint: string | undefined }
  | { kind: 'user'; panelUuid: string | undefined }
  | { kind: 'server' }
  | { kind: 'other' };

const Id = z
  .union([z.string().min(1), z.number().transform(String)])
  .optional()
  .catch(undefined);

/** Rows in the backend's redacted form have the fingerprint; rows in the original's shape have ids, at the top or in the body. */
const Payload = z
  .object({
    invoice_id_fingerprint: z.string().optional().catch(undefined),
    payment_id: z.guid().optional().catch(undefined),
    invoice_id: Id,
    external_id: Id,
    payload: z.object({ invoice_id: Id }).optional().catch(undefined),
    uuid: z.guid().optional().catch(undefined),
    data: z
      .object({ uuid: z.guid().optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  .catch({} as never);

/** Reads a row of `webhook_logs`, in the form of any of its writers. */
export function subjectOf({ eventType, payload, source }: UnprocessedWebhook): WebhookSubject {
  const fields = Payload.parse(payload ?? {});
  if (source === 'cryptobot' || /^(invoice|payment)/.test(eventType)) {
    const invoiceId = fields.invoice_id ?? fields.payload?.invoice_id ?? fields.external_id;
    return {
      kind: 'payment',
      isPaid: !/expire|cancel|fail/.test(eventType),
      paymentId: fields.payment_id,
      fingerprint: fields.invoice_id_fingerprint ?? (invoiceId === undefined ? undefined : fingerprintOf(invoiceId)),
    };
  }
  if (/^user/.test(eventType)) return { kind: 'user', panelUuid: fields.uuid ?? fields.data?.uuid };
  return /^(node|server)/.test(eventType) ? { kind: 'server' } : { kind: 'other' };
}
