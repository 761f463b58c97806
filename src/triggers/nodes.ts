import type { NodeRecord } from '../repositories/redis/monitoring/node-health-store.ts';

const ORDER: readonly NodeRecord['status'][] = ['offline', 'warning', 'maintenance', 'online'];

/** The worst first, then those whose state is newest. */
export const worstFirst = (nodes: readonly NodeRecord[]): NodeRecord[] =>
  [...nodes].sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || b.since.getTime() - a.since.getTime());

/** A node, as programs read it. */
export const nodeBody = ({ checkedAt, country, name, nodeUuid, reason, since, status }: NodeRecord) => ({
  ...{ uuid: nodeUuid, name, country, status },
  since: since.toISOString(),
  checked_at: checkedAt.toISOString(),
  ...(reason !== undefined && { reason }),
});
