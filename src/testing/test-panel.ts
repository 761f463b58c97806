import { type ClientCall, ClientPolicy, type PolicyOptions } from '../clients/policy.ts';
import { connectPanel } from '../clients/remnawave/connect.ts';
import type { Panel } from '../clients/remnawave/panel.ts';

export type TestPanel = { panel: Panel; policy: ClientPolicy; calls: ClientCall[] };

/** The client as the service builds it, with the events of its policy. */
export function testPanel(to: { url: string; token: string }, options: Partial<PolicyOptions> = {}): TestPanel {
  const calls: ClientCall[] = [];
  const observer = { called: (call: ClientCall) => void calls.push(call), breaker: () => {} };
  const policy = new ClientPolicy({ service: 'remnawave', observer, timeLimitMs: 15_000, ...options });
  return { panel: connectPanel({ baseUrl: to.url, token: to.token, policy }), policy, calls };
}

/** A signal for calls that are not aborted. */
export const never: AbortSignal = new AbortController().signal;

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
