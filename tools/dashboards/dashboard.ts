import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';

export type Row = { title: string; panels: readonly Builder<Panel>[] };

/** A drop-down of the values of one label, all by default. */
export type Choice = { name: string; label: string; values: string };

export type DashboardSpec = {
  /** Unique within a Grafana; `cybervpn-worker` is the platform's own dashboard. */
  uid: string;
  title: string;
  description: string;
  choices?: readonly Choice[];
  rows: readonly Row[];
};

const TAG = 'cybervpn-task-worker';
/** The version that Grafana 11 writes; newer ones read it too. */
const SCHEMA_VERSION = 39;

/** One dashboard in the form of Grafana's provisioning. */
export function dashboard({ choices = [], description, rows, title, uid }: DashboardSpec): Dashboard {
  const built = new DashboardBuilder(`CyberVPN worker: ${title}`)
    .uid(uid)
    .description(description)
    .tags(['cybervpn', TAG])
    .timezone('utc')
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .link(
      new DashboardLinkBuilder('CyberVPN worker')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  for (const choice of choices) built.withVariable(variable(choice));
  for (const row of rows) {
    built.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) built.withPanel(panel);
  }
  const { panels = [], ...rest } = built.build();
  const numbered = panels.map((panel, i) => ({ ...panel, id: i + 1 }));
  return { ...rest, panels: numbered, schemaVersion: SCHEMA_VERSION };
}

function variable({ label, name, values }: Choice): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource({ type: 'prometheus', uid: `\${datasource}` })
    .query(values)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: `$__all` });
}
