import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { z } from 'zod';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { type ClassAtWork, letThemWork } from '../../src/demo/class/at-work.ts';
import { credentialsOf, enrol, followLesson, type Lesson } from '../../src/demo/class/lesson.ts';
import { studentIds } from '../../src/demo/class/roster.ts';
import type { StudentCredentials } from '../../src/demo/class/students.ts';
import type { DemoCluster, DemoProcess } from '../../src/demo/cluster.ts';
import { freePorts } from '../../src/demo/control-plane/ports.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { services } from '../../src/kube/resources.ts';
import { GATEWAY_ACCOUNT, SYSTEM_NAMESPACE } from '../../src/rbac/accounts.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';
import {
  filledIn,
  type GrafanaDashboard,
  grafanaDashboards,
  labelValuesOf,
} from '../support/grafana-dashboard.ts';
import { CHARTS, helmAt, type RenderedObject } from '../support/helm.ts';
import { kubectlAt } from '../support/kubectl.ts';
import { type Program, startProgram } from '../support/program.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import {
  type ScrapedPod,
  type ScrapedService,
  type ServiceMonitor,
  scrapeConfig,
  selects,
  serviceMonitorsIn,
  servicesIn,
  targetGroup,
} from '../support/service-monitor.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';

/**
 * A real Prometheus scrapes a class at work as the ServiceMonitors of the chart say, and is asked what the dashboards
 * and alerts of the chart ask.
 */

const CLASS = { namespace: 'python-101', name: 'python-101' };
const ENGINES = 2;
const IDS = studentIds(8);
/** More than the engines take at a time, so that some wait. */
const ENGINE_SPEED = 5;
const BOOT_TIMEOUT_MS = 240_000;
/** A first build of Prometheus. */
const SETUP_TIMEOUT_MS = 900_000;
const MORE_THAN_ALLOWED = 20;
const RATE_INTERVAL = '5m';
const KINDS = ['ServiceMonitor', 'PrometheusRule'] as const;
const MONITORING_CRDS = join(import.meta.dirname, '../fixtures/prometheus-operator');

const dashboards = await grafanaDashboards();

let cluster: DemoCluster;
let valkey: ValkeyServer;
let countingTogether: Program;
let prometheus: Prometheus;
let rendered: RenderedObject[];
let monitors: ServiceMonitor[];
let lesson: Lesson;
let work: ClassAtWork;
const workIsOver = new AbortController();

beforeAll(async () => {
  cluster = await startTestCluster({ engineSpeed: ENGINE_SPEED });
  valkey = await startValkey();
  const { helm } = await ensureBinaries(ensureOptionsOf(process));
  rendered = await helmAt(helm).template(CHARTS.gpuClassroom, {
    namespace: SYSTEM_NAMESPACE,
    flags: KINDS.map((kind) => `--api-versions=monitoring.coreos.com/v1/${kind}`),
  });
  monitors = serviceMonitorsIn(rendered);
  const { run } = cluster.controlPlane;
  prometheus = await startPrometheus({
    run,
    scrapeConfigs: monitors.map((monitor) => scrapeConfig(monitor, join(run.path, targetsFile(monitor)))),
    rules: rulesOf(rendered),
  });
  await scrapeOwnProcesses(
    await Promise.all([
      cluster.startOperator({ name: 'operator', flags: ['--leader-elect'] }),
      cluster.startGateway({ name: 'gateway' }),
      startGatewayWithValkey(),
    ]),
  );
  await enrol(cluster.client, CLASS, IDS, ENGINES);
  lesson = await followLesson(cluster.client, systemClock, CLASS);
  await lesson.untilReady(AbortSignal.timeout(BOOT_TIMEOUT_MS));
  await scrapeEngines();
  const credentials = await Promise.all(lesson.seats().map((seat) => credentialsOf(cluster.client, seat)));
  work = letThemWork({
    credentials,
    rounds: Number.POSITIVE_INFINITY,
    maxThinkMs: 100,
    clock: systemClock,
    random: Math.random,
    signal: workIsOver.signal,
  });
  await Promise.all(Array.from({ length: MORE_THAN_ALLOWED }, () => askBriefly(credentials[0])));
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  workIsOver.abort();
  await work?.done;
  await lesson?.stop();
  await countingTogether?.stop();
  await cluster?.stop();
  await valkey?.[Symbol.asyncDispose]();
}, 60_000);

function targetsFile({ metadata }: ServiceMonitor): string {
  return `targets-${metadata.name}.json`;
}

/** The namespace of the release is filled in. */
function rulesOf(objects: readonly RenderedObject[]): string {
  const [rule] = objects.filter(({ kind }) => kind === 'PrometheusRule');
  return stringify(z.object({ spec: z.object({ groups: z.array(z.unknown()) }) }).parse(rule).spec);
}

/** The gateway that students use has its account on a disk; this one shows what gateways tell that count together. */
async function startGatewayWithValkey(): Promise<{ healthUrl: string }> {
  const kubeconfig = await cluster.controlPlane.writeServiceAccountKubeconfig(GATEWAY_ACCOUNT);
  const [port = 0] = await freePorts(1);
  countingTogether = startProgram('src/gateway/main.ts', [
    `--kubeconfig=${kubeconfig}`,
    '--listen=127.0.0.1:0',
    `--health-address=127.0.0.1:${port}`,
    `--valkey=${valkey.url}`,
  ]);
  await countingTogether.logged('The gateway takes requests');
  return { healthUrl: `http://127.0.0.1:${port}` };
}

async function scrapeOwnProcesses([operator, ...gateways]: readonly Pick<
  DemoProcess,
  'healthUrl'
>[]): Promise<void> {
  const addressOf = ({ healthUrl }: Pick<DemoProcess, 'healthUrl'>) => new URL(healthUrl).host;
  const own = servicesIn(rendered.filter(({ kind }) => kind === 'Service'));
  const pods = (component: string): ScrapedPod[] => {
    const processes = component === 'operator' ? [operator] : gateways;
    return processes.flatMap((process, index) =>
      process === undefined ? [] : [{ pod: `${component}-${index}`, address: addressOf(process) }],
    );
  };
  await scrape(own, ({ metadata }) => pods(metadata.labels['app.kubernetes.io/component'] ?? ''));
}

async function scrapeEngines(): Promise<void> {
  const { items } = await cluster.client.list(services, { namespace: CLASS.namespace });
  await scrape(servicesIn(items), () =>
    cluster.nodeAgent.pods().map(({ name, address }) => ({ pod: name, address: `${address}:8000` })),
  );
}

/** Each ServiceMonitor that selects one of the Services gets the pods behind it. */
async function scrape(
  candidates: readonly ScrapedService[],
  podsOf: (service: ScrapedService) => readonly ScrapedPod[],
): Promise<void> {
  for (const monitor of monitors) {
    const selected = candidates.filter((service) => selects(monitor, service));
    if (selected.length === 0) continue;
    const groups = selected.flatMap((service) => podsOf(service).map((pod) => targetGroup(service, pod)));
    await prometheus.setTargets(targetsFile(monitor), groups);
  }
}

async function askBriefly(student: StudentCredentials | undefined): Promise<void> {
  if (student === undefined) throw new Error('the class is empty');
  const { apiKey, baseURL, model } = student;
  const response = await fetch(`${baseURL}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Explain recursion.' }],
    }),
  });
  await response.text();
}

describe('every query has a result while a class works', () => {
  test.each([...dashboards])('in the dashboard %s', async (_, dashboard) => {
    let left: string[] = [];
    await eventually(`the queries of ${dashboard.title}`, async () => {
      left = await withoutResult(dashboard);
      return left.length === 0;
    }).catch((error: unknown) => {
      throw new Error(`no result in ${dashboard.title}:\n${left.join('\n')}`, { cause: error });
    });
  });

  test('and the class is named alike by operator, gateway and engines', async () => {
    const name = [`${CLASS.namespace}/${CLASS.name}`];
    expect(await prometheus.labelValues('classroom', 'vllm:num_requests_running')).toEqual(name);
    expect(await prometheus.labelValues('classroom', 'gpu_classroom_gateway_queue_running')).toEqual(name);
    expect(await prometheus.labelValues('classroom', 'gpu_classroom_operator_class_condition')).toEqual(name);
  });

  test('and the figures are true: all engines and both gateways are seen', async () => {
    const count = async (expr: string) => (await prometheus.query(expr)).map(({ value }) => value);
    expect(await count('sum(up{job="gpu-classroom-engine"})')).toEqual([ENGINES]);
    expect(await count('sum(up{job="gpu-classroom-gateway"})')).toEqual([2]);
    expect(await count('max(gpu_classroom_gateway_seats)')).toEqual([IDS.length]);
    expect(await count('gpu_classroom_operator_class_condition{condition="Ready"}')).toEqual([1]);
  });
});

/** Queries of a dashboard that have no figure now: no series, or only what is not a number. */
async function withoutResult({ templating, panels }: GrafanaDashboard): Promise<string[]> {
  const values = new Map<string, string[]>();
  for (const { type, name, query } of templating.list) {
    if (type !== 'query') continue;
    const { selector, label } = labelValuesOf(filledIn(query, values, RATE_INTERVAL));
    values.set(name, await prometheus.labelValues(label, selector));
  }
  const empty: string[] = [];
  for (const { expr } of panels.flatMap(({ targets }) => targets)) {
    const filled = filledIn(expr, values, RATE_INTERVAL);
    const samples = await prometheus.query(filled);
    if (!samples.some(({ value }) => Number.isFinite(value))) empty.push(filled);
  }
  return empty;
}

describe('the alerts', () => {
  test('are all understood', async () => {
    const rules = await eventually('each rule to be evaluated', async () => {
      const all = await prometheus.rules();
      return all.every(({ health }) => health !== 'unknown') ? all : undefined;
    });
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(rules.length).toBeGreaterThan(0);
  });

  test('are silent while all is well', async () => {
    let active: string[] = [];
    await eventually('no alert', async () => {
      active = (await prometheus.alerts()).map(({ labels }) => labels.alertname ?? '');
      return active.length === 0;
    }).catch((error: unknown) => {
      throw new Error(`active: ${active.join(', ')}`, { cause: error });
    });
  });
});

test('the API server takes the ServiceMonitors and the rules, where it has the kinds', async () => {
  const { kubectl: path } = await ensureBinaries(ensureOptionsOf(process));
  const kubectl = kubectlAt(path, cluster.controlPlane.kubeconfigPath);
  await kubectl(['create', `--filename=${MONITORING_CRDS}`]);
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', `--filename=${MONITORING_CRDS}`]);

  const ours = rendered.filter(({ kind }) => KINDS.some((known) => known === kind));
  const said = await kubectl(
    ['create', '--dry-run=server', '--validate=strict', '--filename=-'],
    ours.map((object) => JSON.stringify(object)).join('\n'),
  );
  expect(said.trim().split('\n').sort()).toEqual([
    'prometheusrule.monitoring.coreos.com/school-gpu-classroom created (server dry run)',
    'servicemonitor.monitoring.coreos.com/school-gpu-classroom-engines created (server dry run)',
    'servicemonitor.monitoring.coreos.com/school-gpu-classroom-gateway created (server dry run)',
    'servicemonitor.monitoring.coreos.com/school-gpu-classroom-operator created (server dry run)',
  ]);
});
