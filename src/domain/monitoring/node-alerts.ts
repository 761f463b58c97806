import type { NodeRecord } from '../../repositories/redis/monitoring/node-health-store.ts';
import type { AlertCondition } from '../alerts/alert-states.ts';

/** The alert about a node that is down. One id for everybody who finds it, so that it is told once. */
export function nodeOfflineAlert(
  node: Pick<NodeRecord, 'nodeUuid' | 'name' | 'downSince' | 'reason' | 'since'>,
): AlertCondition {
  return {
    id: nodeOfflineId(node.nodeUuid),
    kind: 'node_offline',
    severity: 'critical',
    subject: node.name,
    since: node.downSince ?? node.since,
    reason: node.reason,
  };
}

/** The alert about a node that comes and goes. */
export function nodeUnstableAlert(node: Pick<NodeRecord, 'nodeUuid' | 'name' | 'flips' | 'since'>): AlertCondition {
  return {
    id: nodeUnstableId(node.nodeUuid),
    kind: 'node_unstable',
    severity: 'warning',
    subject: node.name,
    since: node.flips[0] ?? node.since,
  };
}

export const nodeOfflineId = (nodeUuid: string): string => `node_offline:${nodeUuid}`;
export const nodeUnstableId = (nodeUuid: string): string => `node_unstable:${nodeUuid}`;
