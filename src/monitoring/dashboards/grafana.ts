import {
  BigValueGraphMode,
  type DataSourceRef,
  LegendDisplayMode,
  LegendPlacement,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel as GrafanaPanel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TextBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { APP_NAME } from '../../api/labels.ts';
import { oneLine } from '../promql.ts';
import type { Dashboard, FigurePanel, GraphPanel, NotePanel, Panel, Query, Variable } from './dashboard.ts';

/** Whichever Prometheus whoever looks has chosen. */
const DATA_SOURCE: DataSourceRef = { type: 'prometheus', uid: '$datasource' };
const TAG = APP_NAME;
const COLUMNS = 24;
/** In columns and lines of the grid. https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
const SIZES = {
  figure: { span: 4, height: 4 },
  graph: { span: 12, height: 8 },
  note: { span: 24, height: 4 },
};

/** The dashboard as Grafana reads it from a file. */
export function grafanaDashboard(dashboard: Dashboard): string {
  const builder = new DashboardBuilder(dashboard.title)
    .uid(`${APP_NAME}-${dashboard.name}`)
    .description(dashboard.description)
    .tags([TAG])
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .link(linkToTheOthers())
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'));
  for (const variable of dashboard.variables) builder.withVariable(variableOf(variable));
  for (const row of dashboard.rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panelOf(panel));
  }
  const built = builder.build();
  return `${JSON.stringify({ ...built, panels: laidOut(built.panels ?? []) }, null, 2)}\n`;
}

/** From left to right, and on a new line when the next one does not fit; the builder would go on beyond the edge. */
function laidOut<P extends Pick<GrafanaPanel, 'gridPos'>>(panels: readonly P[]): P[] {
  let [x, y, lineHeight] = [0, 0, 0];
  return panels.map((panel) => {
    const { w = COLUMNS, h = 1 } = panel.gridPos ?? {};
    if (x + w > COLUMNS) [x, y, lineHeight] = [0, y + lineHeight, 0];
    const gridPos = { x, y, w, h };
    [x, lineHeight] = [x + w, Math.max(lineHeight, h)];
    return { ...panel, gridPos };
  });
}

function linkToTheOthers(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('GPU Classroom')
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .includeVars(true)
    .keepTime(true);
}

function variableOf({ name, label, series, seriesLabel }: Variable): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATA_SOURCE)
    .query(`label_values(${series}, ${seriesLabel})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*');
}

type Builder = { build(): GrafanaPanel };

function panelOf(panel: Panel): Builder {
  switch (panel.kind) {
    case 'figure':
      return figure(panel);
    case 'graph':
      return graph(panel);
    case 'note':
      return note(panel);
  }
}

function figure({ title, description, unit, queries }: FigurePanel): Builder {
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(DATA_SOURCE)
    .unit(unit)
    .span(SIZES.figure.span)
    .height(SIZES.figure.height)
    .graphMode(BigValueGraphMode.Area)
    .targets(queries.map(targetOf));
}

function graph({ title, description, unit, queries, stacked = false }: GraphPanel): Builder {
  const builder = new TimeseriesBuilder()
    .title(title)
    .description(description)
    .datasource(DATA_SOURCE)
    .unit(unit)
    .min(0)
    .span(SIZES.graph.span)
    .height(SIZES.graph.height)
    .fillOpacity(stacked ? 30 : 5)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .targets(queries.map(targetOf));
  if (stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  return builder;
}

function note({ title, text }: NotePanel): Builder {
  return new TextBuilder()
    .title(title)
    .mode(TextMode.Markdown)
    .content(text)
    .span(SIZES.note.span)
    .height(SIZES.note.height);
}

function targetOf({ expr, legend }: Query, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .datasource(DATA_SOURCE)
    .expr(oneLine(expr))
    .legendFormat(legend)
    .range();
}
