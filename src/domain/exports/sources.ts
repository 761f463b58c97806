import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelNode, UserListing } from '../../clients/remnawave/types.ts';
import { inGroups } from '../../lib/async-iteration.ts';
import type { Listing } from '../../lib/read-each.ts';
import type { ExportRange, ExportRows, ExportRun } from '../../repositories/export-rows.ts';
import type { CellKind, Cells, ExportColumn, ExportTable } from './table.ts';

export const EXPORT_TYPES = ['users', 'payments', 'servers', 'audit'] as const;
export type ExportType = (typeof EXPORT_TYPES)[number];

export type ExportSourcesOptions = { panel: Pick<Panel, 'users' | 'countUsers' | 'nodes'>; rows: ExportRows };

const GROUP = 1_000;

const columns = (kinds: Readonly<Record<string, CellKind>>): ExportColumn[] =>
  Object.entries(kinds).map(([name, kind]) => ({ name, kind }));

const PAYMENTS = columns({
  id: 'text',
  external_id: 'text',
  user_uuid: 'text',
  amount: 'money',
  final_amount: 'money',
  currency: 'text',
  status: 'text',
  provider: 'text',
  subscription_days: 'number',
  plan_id: 'text',
  created_at: 'time',
  updated_at: 'time',
  bought: 'text',
});

const AUDIT = columns({
  id: 'text',
  created_at: 'time',
  admin_id: 'text',
  admin_login: 'text',
  action: 'text',
  entity_type: 'text',
  entity_id: 'text',
  old_value: 'json',
  new_value: 'json',
  ip_address: 'text',
  user_agent: 'text',
});

/** The columns omit the short uuid, the secret part of a subscription's link. */
const USERS = columns({
  id: 'text',
  username: 'text',
  status: 'text',
  expire_at: 'time',
  telegram_id: 'id',
  tag: 'text',
  traffic_limit_bytes: 'number',
  traffic_limit_strategy: 'text',
  used_traffic_bytes: 'number',
  last_traffic_reset_at: 'time',
  online_at: 'time',
  created_at: 'time',
});

const SERVERS = columns({
  uuid: 'text',
  name: 'text',
  address: 'text',
  port: 'number',
  country_code: 'text',
  is_connected: 'boolean',
  is_connecting: 'boolean',
  is_disabled: 'boolean',
  users_online: 'number',
  traffic_used_bytes: 'number',
  traffic_limit_bytes: 'number',
  last_status_change: 'time',
  last_status_message: 'text',
});

/** The sources of the rows of each export. */
export class ExportSources {
  readonly #options: ExportSourcesOptions;

  constructor(options: ExportSourcesOptions) {
    this.#options = options;
  }

  /** Opens the rows that were created in the range. Servers have no such time, so the export has them as they are now. */
  async open(type: ExportType, range: ExportRange, run: ExportRun): Promise<ExportTable> {
    const { panel, rows } = this.#options;
    const { signal } = run;
    switch (type) {
      case 'payments':
        return {
          columns: PAYMENTS,
          groups: rows.payments(range, run),
          estimate: await rows.estimate('payments', range),
        };
      case 'audit':
        return {
          columns: AUDIT,
          groups: rows.audit(range, run),
          estimate: await rows.estimate('audit_logs', range),
        };
      case 'users':
        return {
          columns: USERS,
          groups: inGroups(usersIn(panel.users({}, signal), range, run), GROUP),
          estimate: (await panel.countUsers(signal)).total,
        };
      case 'servers': {
        const nodes = await panel.nodes(signal);
        return { columns: SERVERS, groups: inGroups(serversOf(nodes), GROUP), estimate: nodes.items.length };
      }
    }
  }
}

/** What stands in place of the state of a user or node that is there and cannot be read. The rest of such a row is empty. */
const UNREADABLE = 'UNREADABLE';

async function* usersIn(users: UserListing, { from, to }: ExportRange, { alive }: ExportRun): AsyncGenerator<Cells> {
  for await (const user of users) {
    alive();
    if ((from && user.createdAt < from) || (to && user.createdAt >= to)) continue;
    yield [
      user.id,
      user.username,
      user.status,
      user.expireAt.toISOString(),
      text(user.telegramId),
      text(user.tag),
      text(user.trafficLimitBytes),
      user.trafficLimitStrategy,
      text(user.usedTrafficBytes),
      time(user.lastTrafficResetAt),
      time(user.onlineAt),
      user.createdAt.toISOString(),
    ];
  }
  for (const { ids } of users.holes) {
    yield rowOf(USERS, { id: ids.uuid ?? ids.id, username: ids.username, status: UNREADABLE });
  }
}

async function* serversOf({ holes, items }: Listing<PanelNode>): AsyncGenerator<Cells> {
  for (const node of items) {
    yield [
      node.uuid,
      node.name,
      text(node.address),
      text(node.port),
      node.countryCode,
      text(node.isConnected),
      text(node.isConnecting),
      text(node.isDisabled),
      text(node.usersOnline),
      text(node.trafficUsedBytes),
      text(node.trafficLimitBytes),
      time(node.lastStatusChange),
      text(node.lastStatusMessage),
    ];
  }
  for (const { ids } of holes) {
    yield rowOf(SERVERS, { uuid: ids.uuid, name: ids.name, last_status_message: UNREADABLE });
  }
}

const rowOf = (columnsOfRow: readonly ExportColumn[], cells: Readonly<Record<string, string | undefined>>): Cells =>
  columnsOfRow.map(({ name }) => cells[name] ?? null);

const text = (value: string | number | boolean | undefined): string | null =>
  value === undefined ? null : String(value);
const time = (value: Date | undefined): string | null => value?.toISOString() ?? null;
