import { randomUUID } from 'node:crypto';
import { isSignedEvent, type PanelEvent, readEvent } from '../../clients/remnawave/webhook.ts';
import type { DefinedTask } from '../../lib/defined-task.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { RemnawaveWebhookOptions } from '../../triggers/http/remnawave-webhook.ts';
import type { App } from '../build-app.ts';

/**
 * Has that looked at which an event of the panel names, and stores the event. A look is unique: one that waits serves every event until it
 * starts, one that runs may have begun too early, so another follows it. Undefined without REMNAWAVE_WEBHOOK_SECRET.
 */
export function remnawaveWebhook(app: Door): RemnawaveWebhookOptions<KnownEvent> | undefined {
  const { config, log, metrics, services } = app;
  const secret = config.REMNAWAVE_WEBHOOK_SECRET;
  if (secret === undefined) return undefined;
  return {
    verify: (rawBody, signature) => isSignedEvent(rawBody, signature, secret),
    read(rawBody) {
      const event = readEvent(rawBody);
      return { ...event, namesWhom: whomItNames(event) };
    },
    look: (event) => look(app, event),
    store: (event) => services.webhookLogs.insertPanelEvent(event),
    count: (event, outcome) => metrics.panelEvent(event, outcome),
    log,
  };
}

/** What this door needs of the application. */
type Door = Pick<App, 'config' | 'disabledTasks' | 'dispatcher' | 'log' | 'metrics' | 'services'>;

type KnownEvent = PanelEvent & { namesWhom: string | undefined };

/** Rejects where Redis does not take it. An event that names nobody, or is of no kind that we know, asks for nothing. */
async function look(app: Door, { at, name, subject }: PanelEvent): Promise<void> {
  switch (subject.kind) {
    case 'node': {
      const { default: checkServerHealth } = await import('../../tasks/monitoring/check-server-health.ts');
      await dispatchOnce(app, checkServerHealth, { look: 'event' });
      return;
    }
    case 'user': {
      const { ids, username } = subject.user;
      if (username === undefined) return;
      await app.services.customerLooks.ask({ username, ids }, randomUUID());
      const { default: lookAtPanelUsers } = await import('../../tasks/subscriptions/look-at-panel-users.ts');
      await dispatchOnce(app, lookAtPanelUsers, {});
      return;
    }
    case 'bill': {
      const { dueAt, node, provider } = subject.bill;
      const { default: warnOfPanelBill } = await import('../../tasks/monitoring/warn-of-panel-bill.ts');
      // The panel writes the time into every body; without it nobody could tell a replay from news.
      if (at === undefined || app.disabledTasks.has(warnOfPanelBill.name)) return;
      const payload = { event: name, node, provider, due_at: dueAt.toISOString(), sent_at: at.toISOString() };
      const jobId = uuidFrom(`panel_bill:${JSON.stringify(payload)}`);
      await app.dispatcher.dispatch(warnOfPanelBill, payload, { jobId, source: 'http', initiatedBy: 'remnawave' });
      return;
    }
    case 'none':
  }
}

/** A task that an operator has switched off stays off. */
async function dispatchOnce<P extends DefinedTask>(
  { disabledTasks, dispatcher }: Door,
  task: P,
  payload: Parameters<typeof dispatcher.dispatch<P['payload']>>[1],
): Promise<void> {
  if (disabledTasks.has(task.name)) return;
  const asked = { source: 'http', initiatedBy: 'remnawave', keepFailed: false } as const;
  await dispatcher.dispatch(task, payload, { ...asked, uniqueKey: task.name, afterActive: true });
}

/** What the row of the event has a fingerprint of: the id where there is one, as the platform does it. */
function whomItNames({ subject }: PanelEvent): string | undefined {
  if (subject.kind === 'user') return subject.user.ids[0] ?? subject.user.username;
  if (subject.kind === 'node') return subject.uuid;
  return subject.kind === 'bill' ? subject.bill.node : undefined;
}
