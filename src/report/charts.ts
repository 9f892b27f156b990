import { BarChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { html } from '../html/escape.ts';
import type { PeriodFigures, Report } from './report.ts';
import { studentText } from './sections.ts';
import { shortPeriodText } from './words.ts';

/** A picture, and what it shows for who cannot see it. */
export interface Chart {
  readonly title: string;
  readonly svg: string;
}

const WIDTH = 720;
/** Widths of letters are estimated: fonts of readers may be wider. */
const LABEL_SLACK = 40;
const BAR_HEIGHT = 24;
const AROUND_BARS = 110;
/** They say what happens under a pointer, which is nothing on paper. */
const STYLES = /\s*<style\s*>.*?<\/style>/gs;

type Option = Record<string, unknown>;

/** Of a grid: its space is that of its bars with their labels. */
const WITH_LABELS = { outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' };

/** More are not told apart on a page; the tables have all of them. */
const MOST_BARS = 40;
const MOST_PERIODS = 60;
const PERIOD_HEIGHT = 280;
/** Longer names are cut, so that there is room for bars; the tables have all of them. */
const NAME_WIDTH = 230;
const LEGEND_GAP = 24;
/** Of an axis: figures of millions still stand apart. */
const MOST_MARKS = 4;

const COLOURS = { prompt: '#7aa6d8', answer: '#1f5fa8', held: '#c9c9c9', used: '#2e8b57', each: '#d08a3c' };

echarts.use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** What a page shows besides its tables. Without use there is nothing to show. */
export function chartsOf(report: Report): Chart[] {
  const { students, periods, gpu, by } = report;
  const charts: Chart[] = [];
  if (gpu !== null && gpu.gpuHours > 0) charts.push(gpuChart(gpu));
  if (by !== 'course' && periods.length > 0) charts.push(periodChart(report));
  if (students.length > 0) charts.push(studentChart(report));
  return charts;
}

type Gpu = NonNullable<Report['gpu']>;

function gpuChart(gpu: Gpu): Chart {
  const bars: [string, number, string][] = [
    ['One GPU for each student', gpu.gpuHoursOnePerStudent, COLOURS.each],
    ['What ran', gpu.gpuHours, COLOURS.held],
    ['of that in use', gpu.gpuHoursInUse, COLOURS.used],
  ];
  const title = 'GPU hours';
  const data = bars.map(([, value, color]) => ({ value, itemStyle: { color } }));
  const svg = render(title, bars.length * BAR_HEIGHT + AROUND_BARS, {
    ...horizontal(
      title,
      bars.map(([name]) => name),
    ),
    series: [{ type: 'bar', data, label: { show: true, position: 'right' } }],
  });
  return { title, svg };
}

function studentChart({ students }: Report): Chart {
  const most = students.toSorted((a, b) => b.totalTokens - a.totalTokens).slice(0, MOST_BARS);
  const left = students.length - most.length;
  const title = left === 0 ? 'Tokens by student' : `Tokens by student, the ${most.length} with the most`;
  const svg = render(title, most.length * BAR_HEIGHT + AROUND_BARS, {
    ...horizontal(title, most.map(studentText)),
    series: tokenSeries(most),
  });
  return { title, svg };
}

function periodChart(report: Report): Chart {
  const shown = report.periods.slice(-MOST_PERIODS);
  const what = report.by === 'day' ? 'Tokens by day' : 'Tokens by session';
  const left = report.periods.length - shown.length;
  const title = left === 0 ? what : `${what}, the last ${shown.length}`;
  const names = shown.map((period) => shortPeriodText(period, report));
  const svg = render(title, PERIOD_HEIGHT, {
    ...frame(title),
    grid: { left: 8, right: 16, top: 64, bottom: 8, ...WITH_LABELS },
    xAxis: { type: 'category', data: names, axisLabel: { rotate: 45 } },
    yAxis: { type: 'value' },
    series: tokenSeries(shown),
  });
  return { title, svg };
}

type Tokens = Pick<PeriodFigures, 'promptTokens' | 'completionTokens'>;

function tokenSeries(parts: readonly Tokens[]): object[] {
  return [
    { name: 'prompts', color: COLOURS.prompt, data: parts.map(({ promptTokens }) => promptTokens) },
    { name: 'answers', color: COLOURS.answer, data: parts.map(({ completionTokens }) => completionTokens) },
  ].map((series) => ({ type: 'bar', stack: 'tokens', ...series }));
}

function frame(title: string): Option {
  return {
    animation: false,
    title: { text: title, left: 0, textStyle: { fontSize: 15, color: '#111' } },
    legend: { right: 0, top: 4, itemGap: LEGEND_GAP },
    textStyle: { fontFamily: 'system-ui, sans-serif' },
  };
}

function horizontal(title: string, names: readonly string[]): Option {
  return {
    ...frame(title),
    grid: { left: LABEL_SLACK, right: 64, top: 48, bottom: 8, ...WITH_LABELS },
    xAxis: { type: 'value', splitNumber: MOST_MARKS },
    yAxis: {
      type: 'category',
      data: [...names],
      inverse: true,
      axisTick: { show: false },
      axisLabel: { width: NAME_WIDTH, overflow: 'truncate' },
    },
  };
}

/** @see https://echarts.apache.org/handbook/en/how-to/cross-platform/server/ */
function render(title: string, height: number, option: Option): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption(option);
    const svg = chart.renderToSVGString();
    return svg
      .replace(/^<svg[^>]*>/, (start) => `${start}\n<title>${html(title)}</title>`)
      .replace(STYLES, '');
  } finally {
    chart.dispose();
  }
}
