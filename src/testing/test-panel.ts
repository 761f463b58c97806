import { type ClientCall, ClientPolicy, type PolicyOptions } from '../clients/policy.ts';
import { connectPanel } from '../clients/remnawave/connect.ts';
import type { SharedVersion } from '../clients/remnawave/connection.ts';
import type { Panel } from '../clients/remnawave/panel.ts';
import type { Reading } from '../lib/read-each.ts';

export type TestPanel = { panel: Panel; policy: ClientPolicy; calls: ClientCall[]; readings: Reading[] };

/** The client as the service builds it, with the events of its policy and of its lists. */
export function testPanel(
  to: { url: string; token: string },
  options: Partial<PolicyOptions> = {},
  shared?: SharedVersion,
): TestPanel {
  const calls: ClientCall[] = [];
  const observer = { called: (call: ClientCall) => void calls.push(call), breaker: () => {} };
  const policy = new ClientPolicy({ service: 'remnawave', observer, timeLimitMs: 15_000, ...options });
  const readings: Reading[] = [];
  const onRead = (reading: Reading) => void readings.push(reading);
  return { panel: connectPanel({ baseUrl: to.url, token: to.token, policy, onRead, shared }), policy, calls, readings };
}

/** A signal for calls that are not aborted. */
export const never: AbortSignal = new AbortController().signal;

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
