import { z } from 'zod';
import { days, minutes, seconds } from '../../lib/duration.ts';
import { panelBill } from '../../messages/monitoring.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** An event that is older was told when it came, or it is a replay. */
const NEWS_FOR_MS = days(1);
/** The panel sends one event of each kind for each bill; the row of the alert is kept for 7 days. */
const ONCE_WITHIN_MS = days(6);

/** Warns the admins of a bill for a node that the panel reminds of. Running it twice warns once. */
export default defineTask({
  name: 'warn_of_panel_bill',
  summary: {
    en: 'Warns the admins of a bill for a node, when the panel sends an event about it',
    ru: 'Предупреждает админов о счёте за узел, когда панель присылает о нём событие',
  },
  payload: z.object({
    event: z.string().min(1).max(100).describe('Name of the event, such as crm.infra_billing_node_payment_in_48hrs'),
    node: z.string().min(1).max(200).describe('Name of the node'),
    provider: z.string().min(1).max(200).describe('Name of the provider who is to be paid'),
    due_at: z.iso.datetime({ offset: true }).describe('When the bill is due'),
    sent_at: z.iso.datetime({ offset: true }).describe('When the panel sent the event'),
  }),
  retry: { delaysMs: [seconds(15), minutes(1), minutes(5)], exhausted: 'alert' },
  counts: { told: 'Warnings raised', old: 'Events older than a day, of which nobody is told' },
  needs: ['alerts'],

  async run({ due_at, event, node, provider, sent_at }, { alerts, now }) {
    const at = new Date(sent_at);
    if (now.getTime() - at.getTime() > NEWS_FOR_MS) return { told: 0, old: 1 };
    const dueAt = new Date(due_at);
    await alerts.raise({
      kind: 'panel_bill',
      subject: `${event} ${node} ${provider} ${dueAt.toISOString()}`,
      severity: 'warning',
      at,
      message: (locale) => panelBill({ node, provider, dueAt, isOverdue: dueAt <= now }, locale),
      onceWithinMs: ONCE_WITHIN_MS,
    });
    return { told: 1, old: 0 };
  },
});
