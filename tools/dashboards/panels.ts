import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { type Panel, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** The data source is chosen in the dashboard, so that it works with any Prometheus. */
const SOURCE = { type: 'prometheus', uid: `\${datasource}` };

export type Query = { expr: string; legend?: string };

/** Grafana's names: `s`, `percentunit`, `bytes`, `short`. */
export type Unit = 's' | 'percentunit' | 'bytes' | 'short' | 'dateTimeFromNow' | 'suffix:/min' | 'suffix:/s';

/** Yellow from `warn`, red from `bad`: the limits of the alerts and the promises. */
export type Limits = { warn?: number; bad: number };

export type NumberSpec = {
  title: string;
  description: string;
  expr: string;
  unit?: Unit;
  limits?: Limits;
  /** Red below this value. */
  badBelow?: number;
};

export type LinesSpec = {
  title: string;
  description: string;
  queries: readonly Query[];
  unit?: Unit;
  limits?: Limits;
  stacked?: boolean;
  /** The width in columns, of 24. */
  width?: number;
};

/** One figure with its recent course. An unknown value is shown as unknown, never as zero. */
export function number({ badBelow, description, expr, limits, title, unit = 'short' }: NumberSpec): Builder<Panel> {
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .height(4)
    .span(4)
    .unit(unit)
    .noValue('unknown')
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(thresholds(limits, badBelow))
    .withTarget(query({ expr }, 'A'));
}

/** Series over time, with the limit as a line where there is one. */
export function lines(spec: LinesSpec): Builder<Panel> {
  const { description, limits, queries, stacked = false, title, unit = 'short', width = 12 } = spec;
  const panel = new TimeSeriesBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .height(8)
    .span(width)
    .unit(unit)
    .min(0)
    .fillOpacity(stacked ? 30 : 8)
    .lineWidth(1)
    .legend(new VizLegendOptionsBuilder().calcs(['lastNotNull', 'max']).showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .stacking(new StackingConfigBuilder().mode(stacked ? StackingMode.Normal : StackingMode.None));
  if (limits) {
    panel
      .thresholds(thresholds(limits))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  for (const [i, one] of queries.entries()) panel.withTarget(query(one, String.fromCharCode(65 + i)));
  return panel;
}

function query({ expr, legend }: Query, refId: string): DataqueryBuilder {
  const built = new DataqueryBuilder().datasource(SOURCE).expr(expr).refId(refId).range();
  return legend === undefined ? built : built.legendFormat(legend);
}

function thresholds(limits: Limits | undefined, badBelow?: number): ThresholdsConfigBuilder {
  const steps =
    badBelow === undefined
      ? [
          { color: 'green', value: null },
          ...(limits?.warn === undefined ? [] : [{ color: 'yellow', value: limits.warn }]),
          ...(limits === undefined ? [] : [{ color: 'red', value: limits.bad }]),
        ]
      : [
          { color: 'red', value: null },
          { color: 'green', value: badBelow },
        ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}
