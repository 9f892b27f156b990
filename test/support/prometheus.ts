import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { ensureOptionsOf, ensurePrometheus } from '../../src/demo/binaries/ensure.ts';
import { type Component, startComponent } from '../../src/demo/control-plane/component.ts';
import { freePorts } from '../../src/demo/control-plane/ports.ts';
import type { RunDirectory } from '../../src/demo/process/run-directory.ts';

const START_TIMEOUT_MS = 60_000;

/** A series and its value at one time. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const sampleSchema = z.object({
  metric: z.record(z.string(), z.string()),
  value: z.tuple([z.number(), z.string()]),
});

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(z.object({ name: z.string(), health: z.string(), lastError: z.string().default('') })),
    }),
  ),
});

const alertsSchema = z.object({
  alerts: z.array(z.object({ labels: z.record(z.string(), z.string()), state: z.string() })),
});

export type Rule = z.infer<typeof rulesSchema>['groups'][number]['rules'][number];
export type ActiveAlert = z.infer<typeof alertsSchema>['alerts'][number];

/** A real Prometheus that scrapes and evaluates every second. */
export interface Prometheus {
  /** Says what to scrape from now on: the targets of a job, as `file_sd_configs` has them. */
  setTargets(file: string, groups: readonly object[]): Promise<void>;
  /** The series that an expression has now. @throws Error with Prometheus' words about a wrong one */
  query(expr: string): Promise<Sample[]>;
  /** The values of a label of the series that a selector finds. */
  labelValues(label: string, selector: string): Promise<string[]>;
  rules(): Promise<Rule[]>;
  /** Pending or firing. */
  alerts(): Promise<ActiveAlert[]>;
}

export interface PrometheusOptions {
  readonly run: RunDirectory;
  readonly scrapeConfigs: readonly object[];
  /** Content of a file of rules. */
  readonly rules: string;
}

/** Starts it in the run directory, whose end is also its end. */
export async function startPrometheus({ run, scrapeConfigs, rules }: PrometheusOptions): Promise<Prometheus> {
  const { prometheus } = await ensurePrometheus(ensureOptionsOf(process));
  const [port = 0] = await freePorts(1);
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: scrapeConfigs,
  };
  await writeFile(join(run.path, 'rules.yaml'), rules);
  await writeFile(join(run.path, 'prometheus.yaml'), stringify(config));
  const server = await startComponent(run, 'prometheus', prometheus, [
    `--config.file=${join(run.path, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(run.path, 'prometheus')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ]);
  const url = `http://127.0.0.1:${port}`;
  await ready(server, url);
  return {
    async setTargets(file, groups) {
      const path = join(run.path, file);
      // Prometheus reads the file whenever it changes: it must never be half written.
      await writeFile(`${path}.new`, JSON.stringify(groups));
      await rename(`${path}.new`, path);
    },
    async query(expr) {
      const { result } = await ask(
        url,
        'query',
        { query: expr },
        z.object({ result: z.array(sampleSchema) }),
      );
      return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
    },
    labelValues: (label, selector) =>
      ask(url, `label/${label}/values`, { 'match[]': selector }, z.array(z.string())),
    rules: async () => (await ask(url, 'rules', {}, rulesSchema)).groups.flatMap((group) => group.rules),
    alerts: async () => (await ask(url, 'alerts', {}, alertsSchema)).alerts,
  };
}

async function ready(server: Component, url: string): Promise<void> {
  const isReady = async () => (await fetch(`${url}/-/ready`)).ok;
  await server.waitUntil('/-/ready', isReady, START_TIMEOUT_MS);
}

/** https://prometheus.io/docs/prometheus/latest/querying/api/ */
async function ask<T>(
  url: string,
  path: string,
  parameters: Record<string, string>,
  schema: z.ZodType<T>,
): Promise<T> {
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const answer = z
    .object({ status: z.string(), error: z.string().optional(), data: z.unknown() })
    .parse(await response.json());
  if (answer.status !== 'success') throw new Error(`${answer.error}: ${JSON.stringify(parameters)}`);
  return schema.parse(answer.data);
}
