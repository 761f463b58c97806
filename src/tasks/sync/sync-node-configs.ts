import { z } from 'zod';
import type { PanelHost, PanelInbound, PanelNode } from '../../clients/remnawave/types.ts';
import { minutes } from '../../lib/duration.ts';
import type { Listing } from '../../lib/read-each.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Stores each node with its inbounds and the hosts that lead to it. The record has no secrets: the panel client drops them. */
export default defineTask({
  name: 'sync_node_configs',
  summary: { en: 'Stores the configuration of every node', ru: 'Сохраняет настройки каждого узла' },
  aliases: ['sync_node_configurations'],
  payload: z.object({}),
  schedule: { everyMs: minutes(30) },
  retry: { delaysMs: [minutes(2), minutes(2), minutes(2)], exhausted: 'next-run' },
  timeLimitMs: minutes(2),
  counts: { stored: 'Nodes whose configuration was stored' },
  needs: ['panel', 'panelCache'],

  async run(_, { now, panel, panelCache, signal }) {
    const [nodes, hosts] = await Promise.all([panel.nodes(signal), panel.hosts(signal)]);
    await Promise.all(nodes.items.map((node) => panelCache.saveNodeConfig(node.uuid, configOf(node, hosts, now))));
    return { stored: nodes.items.length };
  },
});

/** The stored form: see `nodes:config:{node_uuid}` in the list of keys. */
function configOf(node: PanelNode, hosts: Listing<PanelHost>, now: Date): object {
  return {
    node: {
      uuid: node.uuid,
      name: node.name,
      address: node.address,
      port: node.port,
      country: node.countryCode,
      is_disabled: node.isDisabled,
      config_profile_uuid: node.activeConfigProfileUuid,
      traffic_limit_bytes: node.trafficLimitBytes,
      traffic_reset_day: node.trafficResetDay,
    },
    inbounds: node.inbounds.map(inboundOf),
    hosts: hosts.items.filter((host) => leadsTo(host, node)).map(hostOf),
    // Hosts that cannot be read may lead here as well.
    ...(hosts.holes.length > 0 && { unreadable_hosts: hosts.holes.map(({ item }) => item) }),
    updated_at: now.toISOString(),
  };
}

/** A host that names nodes leads to those; one that names none to every node that runs its inbound. */
function leadsTo(host: PanelHost, node: PanelNode): boolean {
  if (host.nodeUuids.length > 0) return host.nodeUuids.includes(node.uuid);
  return node.inbounds.some(({ uuid }) => uuid === host.inboundUuid);
}

const inboundOf = ({ network, port, security, tag, type, uuid }: PanelInbound): object => ({
  uuid,
  tag,
  type,
  network,
  security,
  port,
});

const hostOf = ({ address, inboundUuid, isDisabled, port, remark, uuid }: PanelHost): object => ({
  uuid,
  remark,
  address,
  port,
  is_disabled: isDisabled,
  inbound_uuid: inboundUuid,
});
