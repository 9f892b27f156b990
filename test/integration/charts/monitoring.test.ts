import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { z } from 'zod';
import { engineService } from '../../../src/classroom/children/service.ts';
import { ensureOptionsOf, ensurePrometheus } from '../../../src/demo/binaries/ensure.ts';
import { ALERT_GROUPS } from '../../../src/monitoring/alerts.ts';
import { classroom } from '../../support/builders.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';
import { CHARTS, helmAt, objectOf, type RenderedObject } from '../../support/helm.ts';
import { selects, serviceMonitorsIn, servicesIn } from '../../support/service-monitor.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** What the chart has for monitoring, judged by Helm and promtool. No test here asks the API server. */

const { binaries, admin } = await sharedControlPlane();
admin.close();
const helm = helmAt(binaries.helm);
/** A first build of Prometheus. */
const SETUP_TIMEOUT_MS = 900_000;
const KINDS = ['ServiceMonitor', 'PrometheusRule'];
const WITH_KINDS = KINDS.map((kind) => `--api-versions=monitoring.coreos.com/v1/${kind}`);

const render = (monitoring: object = {}, values: object = {}, flags: readonly string[] = WITH_KINDS) =>
  helm.template(CHARTS.gpuClassroom, { namespace: 'llm', values: { monitoring, ...values }, flags });

const kindsOf = (objects: readonly RenderedObject[]) => new Set(objects.map(({ kind }) => kind));

describe('ServiceMonitors and PrometheusRule', () => {
  test('are made only where the cluster has the kinds', async () => {
    expect(kindsOf(await render({}, {}, []))).not.toContain('ServiceMonitor');
    expect(kindsOf(await render({}, {}, []))).not.toContain('PrometheusRule');
    expect([...kindsOf(await render())]).toEqual(expect.arrayContaining(KINDS));
  });

  test('can be left out one by one', async () => {
    const withoutMonitors = kindsOf(await render({ serviceMonitor: { enabled: false } }));
    expect([withoutMonitors.has('ServiceMonitor'), withoutMonitors.has('PrometheusRule')]).toEqual([
      false,
      true,
    ]);
    const withoutRule = kindsOf(await render({ prometheusRule: { enabled: false } }));
    expect([withoutRule.has('ServiceMonitor'), withoutRule.has('PrometheusRule')]).toEqual([true, false]);
  });

  test('carry the labels that a Prometheus selects by', async () => {
    const labels = { release: 'kube-prometheus-stack' };
    const objects = await render({ serviceMonitor: { labels }, prometheusRule: { labels } });
    const theirs = objects.filter(({ kind }) => KINDS.includes(kind)).map(({ metadata }) => metadata.labels);
    expect(theirs).toHaveLength(4);
    for (const one of theirs)
      expect(one).toMatchObject({ ...labels, 'app.kubernetes.io/part-of': 'gpu-classroom' });
  });
});

describe('ServiceMonitors', () => {
  test('each select one Service of the release, under the job that alerts ask for', async () => {
    const objects = await render();
    const services = servicesIn(objects.filter(({ kind }) => kind === 'Service'));
    const pairs = serviceMonitorsIn(objects).flatMap((monitor) =>
      services
        .filter((service) => selects(monitor, service))
        .map((service) => [service.metadata.name, monitor.spec.endpoints[0].relabelings[0]?.replacement]),
    );
    expect(pairs.sort()).toEqual([
      ['school-gpu-classroom-gateway-metrics', 'gpu-classroom-gateway'],
      ['school-gpu-classroom-operator-metrics', 'gpu-classroom-operator'],
    ]);
  });

  test.each([
    ['of all namespaces', {}, true],
    ['of the namespace that is served', { watchNamespace: 'python-101' }, true],
    ['of no other namespace than the one that is served', { watchNamespace: 'rust-201' }, false],
  ])('select the engines %s', async (_, values, selected) => {
    const [service] = servicesIn([
      engineService(classroom({ metadata: { namespace: 'python-101', name: 'python-101' } })),
    ]);
    if (service === undefined) throw new Error('a class has a Service');
    const monitors = serviceMonitorsIn(await render({}, values));
    const names = monitors
      .filter((monitor) => selects(monitor, service))
      .map(({ metadata }) => metadata.name);
    expect(names).toEqual(selected ? ['school-gpu-classroom-engines'] : []);
  });
});

describe('dashboards', () => {
  test('are ConfigMaps for the sidecar of Grafana, when they are asked for', async () => {
    const nameOfDashboard = /-dashboard$/;
    const none = (await render()).filter(({ metadata }) => nameOfDashboard.test(metadata.name));
    expect(none).toEqual([]);

    const annotations = { grafana_folder: 'School' };
    const objects = await render({ dashboards: { enabled: true, annotations } });
    const maps = objects.filter(({ metadata }) => nameOfDashboard.test(metadata.name));
    expect(maps.map(({ metadata }) => metadata.name).sort()).toEqual(
      ['class', 'engines', 'fairness', 'gateway', 'operator'].map(
        (name) => `school-gpu-classroom-${name}-dashboard`,
      ),
    );
    for (const map of maps) {
      const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(map);
      const [[file = '', content = '']] = Object.entries(data) as [[string, string]];
      expect(map.metadata).toMatchObject({ labels: { grafana_dashboard: '1' }, annotations });
      expect(JSON.parse(content)).toMatchObject({ uid: `gpu-classroom-${file.replace('.json', '')}` });
    }
  });
});

/** A series as `promtool test rules` writes it, a value a minute. */
type Series = readonly [series: string, values: string];

interface AlertCase {
  readonly alert: string;
  readonly when: readonly Series[];
  /** Minutes after which it fires; before, it does not. */
  readonly afterMinutes: number;
  /** Of what it fires for, without name and severity. */
  readonly about: readonly Record<string, string>[];
}

const OPERATOR = 'job="gpu-classroom-operator",namespace="llm"';
const GATEWAY = 'job="gpu-classroom-gateway",namespace="llm",pod="gateway-0"';
const ENGINE = 'job="gpu-classroom-engine",namespace="py",classroom="py/a",pod="a-1"';
const inOperator = (name: string, labels = '') => `gpu_classroom_operator_${name}{${OPERATOR}${labels}}`;
const inGateway = (name: string, labels = '') => `gpu_classroom_gateway_${name}{${GATEWAY}${labels}}`;
const OF_CLASS = ',classroom="py/a"';

const CASES: readonly AlertCase[] = [
  {
    alert: 'GpuClassroomNoOperator',
    // Another release's operator does not count.
    when: [['gpu_classroom_operator_leading{job="gpu-classroom-operator",namespace="other"}', '1x60']],
    afterMinutes: 10,
    about: [{}],
  },
  {
    alert: 'GpuClassroomPassesFail',
    when: [
      [
        `gpu_classroom_operator_reconciles_total{${OPERATOR},controller="classroom",outcome="error"}`,
        '0+6x60',
      ],
      [
        `gpu_classroom_operator_reconciles_total{${OPERATOR},controller="classroom",outcome="success"}`,
        '0+5x60',
      ],
      [
        `gpu_classroom_operator_reconciles_total{${OPERATOR},controller="student",outcome="success"}`,
        '0+5x60',
      ],
    ],
    afterMinutes: 16,
    about: [{ controller: 'classroom' }],
  },
  {
    alert: 'GpuClassroomWorkPilesUp',
    when: [
      [`gpu_classroom_operator_queue_depth{${OPERATOR},queue="classroom"}`, '3x60'],
      [
        `gpu_classroom_operator_queue_depth{${OPERATOR},queue="student"}`,
        '9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0 9 0',
      ],
    ],
    afterMinutes: 15,
    about: [{ queue: 'classroom' }],
  },
  {
    alert: 'GpuClassroomClassNotReady',
    // Another reason on the way does not begin the half hour anew.
    when: [
      [inOperator('class_condition', `${OF_CLASS},condition="Ready",reason="Loading"`), '0x14 stale'],
      [inOperator('class_condition', `${OF_CLASS},condition="Ready",reason="Failing"`), '_x14 0x60'],
      [inOperator('class_condition', ',classroom="py/b",condition="Ready",reason="Serving"'), '1x60'],
      // A class that is closed is as it should be.
      [inOperator('class_condition', ',classroom="py/c",condition="Ready",reason="Closed"'), '0x60'],
      [
        inOperator('class_condition', ',classroom="py/b",condition="RolloutPending",reason="UpToDate"'),
        '0x60',
      ],
    ],
    afterMinutes: 30,
    about: [{ classroom: 'py/a' }],
  },
  { alert: 'GpuClassroomNoGateway', when: [[`up{${GATEWAY}}`, '0x60']], afterMinutes: 5, about: [{}] },
  {
    alert: 'GpuClassroomGatewayFails',
    when: [
      [inGateway('requests_total', ',status="502"'), '0+1x60'],
      [inGateway('requests_total', ',status="200"'), '0+9x60'],
    ],
    afterMinutes: 11,
    about: [{}],
  },
  {
    alert: 'GpuClassroomClassWithoutEngine',
    when: [
      [inGateway('queue_waiting', OF_CLASS), '2 0 0 2 0 0 2 0 0 2 0 0 2 0 0 2 0 0 2 0 0 2'],
      [inGateway('queue_capacity', OF_CLASS), '0x60'],
      [inGateway('queue_waiting', ',classroom="py/b"'), '2x60'],
      [inGateway('queue_capacity', ',classroom="py/b"'), '8x60'],
    ],
    afterMinutes: 5,
    about: [{ classroom: 'py/a' }],
  },
  {
    alert: 'GpuClassroomEngineOut',
    when: [[inGateway('engines_out'), '1x60']],
    afterMinutes: 10,
    about: [{}],
  },
  {
    alert: 'GpuClassroomLongWaits',
    when: [
      [inGateway('queue_wait_seconds_bucket', ',end="dispatched",le="60"'), '0+9x60'],
      [inGateway('queue_wait_seconds_bucket', ',end="dispatched",le="120"'), '0+10x60'],
      [inGateway('queue_wait_seconds_bucket', ',end="dispatched",le="+Inf"'), '0+10x60'],
    ],
    afterMinutes: 11,
    about: [{}],
  },
  {
    alert: 'GpuClassroomUnfair',
    when: [
      [inGateway('queue_fairness', OF_CLASS), '0.4x60'],
      [inGateway('queue_fairness', ',classroom="py/b"'), '0.9x60'],
    ],
    afterMinutes: 15,
    about: [{ classroom: 'py/a' }],
  },
  {
    alert: 'GpuClassroomStateStoreAway',
    when: [[inGateway('state_store_up'), '0x60']],
    afterMinutes: 2,
    about: [{}],
  },
  {
    alert: 'GpuClassroomNotBooked',
    when: [[inGateway('unbooked_requests'), '1x60']],
    afterMinutes: 5,
    about: [{ job: 'gpu-classroom-gateway', namespace: 'llm', pod: 'gateway-0' }],
  },
  {
    alert: 'GpuClassroomNotMetered',
    when: [[inGateway('charges_total', ',basis="reserved"'), '0+1x60']],
    afterMinutes: 6,
    about: [{}],
  },
  {
    alert: 'GpuClassroomGatewayBusy',
    when: [[`nodejs_eventloop_lag_p99_seconds{${GATEWAY}}`, '0.8x60']],
    afterMinutes: 10,
    about: [{ pod: 'gateway-0' }],
  },
  {
    alert: 'GpuClassroomConnectionsDropped',
    when: [[inGateway('connections_dropped_total'), '0 1x60']],
    afterMinutes: 1,
    about: [{}],
  },
  {
    alert: 'GpuClassroomEngineSilent',
    when: [[`up{${ENGINE}}`, '0x60']],
    afterMinutes: 45,
    about: [{ job: 'gpu-classroom-engine', namespace: 'py', classroom: 'py/a', pod: 'a-1' }],
  },
  {
    alert: 'GpuClassroomEngineShortOfMemory',
    when: [
      [`vllm:num_preemptions_total{${ENGINE}}`, '0+3x60'],
      [`vllm:request_success_total{${ENGINE},finished_reason="stop"}`, '0+10x60'],
    ],
    afterMinutes: 16,
    about: [{ classroom: 'py/a', pod: 'a-1' }],
  },
];

/** A class that is well: no alert may fire, whatever the time. */
const ALL_IS_WELL: readonly Series[] = [
  [`gpu_classroom_operator_leading{${OPERATOR}}`, '1x90'],
  [`gpu_classroom_operator_reconciles_total{${OPERATOR},controller="classroom",outcome="success"}`, '0+5x90'],
  [`gpu_classroom_operator_reconciles_total{${OPERATOR},controller="classroom",outcome="error"}`, '0+1x90'],
  [`gpu_classroom_operator_queue_depth{${OPERATOR},queue="classroom"}`, '0x90'],
  // An engine that starts late in the day, and for less than half an hour.
  [inOperator('class_condition', `${OF_CLASS},condition="Ready",reason="Loading"`), '_x30 0x20 stale'],
  [inOperator('class_condition', `${OF_CLASS},condition="Ready",reason="Serving"`), '1x29 stale _x21 1x40'],
  [`up{${GATEWAY}}`, '1x90'],
  [inGateway('requests_total', ',status="200"'), '0+99x90'],
  [inGateway('requests_total', ',status="502"'), '0+1x90'],
  [inGateway('queue_waiting', OF_CLASS), '4x90'],
  [inGateway('queue_capacity', OF_CLASS), '8x90'],
  [inGateway('queue_fairness', OF_CLASS), '0.95x90'],
  [inGateway('engines_out'), '0x90'],
  [inGateway('queue_wait_seconds_bucket', ',end="dispatched",le="60"'), '0+10x90'],
  [inGateway('queue_wait_seconds_bucket', ',end="dispatched",le="+Inf"'), '0+10x90'],
  [inGateway('state_store_up'), '1x90'],
  [inGateway('unbooked_requests'), '0 3 0 3 0 3 0 3 0 3 0 3 0 3 0 3 0x90'],
  [inGateway('charges_total', ',basis="reserved"'), '0x90'],
  [inGateway('connections_dropped_total'), '0x90'],
  [`nodejs_eventloop_lag_p99_seconds{${GATEWAY}}`, '0.02x90'],
  [`up{${ENGINE}}`, '1x90'],
  [`vllm:num_preemptions_total{${ENGINE}}`, '0x90'],
  [`vllm:request_success_total{${ENGINE},finished_reason="stop"}`, '0+10x90'],
];

const seriesOf = (series: readonly Series[]) => series.map(([name, values]) => ({ series: name, values }));

describe('alerts', () => {
  let promtool: string;
  let rules: string;

  beforeAll(async () => {
    ({ promtool } = await ensurePrometheus(ensureOptionsOf(process)));
    const { spec } = z.object({ spec: z.unknown() }).parse(objectOf(await render(), 'PrometheusRule'));
    rules = stringify(spec);
  }, SETUP_TIMEOUT_MS);

  /** @throws Error with what promtool expected and got */
  async function promtoolTest(tests: readonly object[]): Promise<void> {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'rules.yaml'), rules);
    const content = { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests };
    await writeFile(join(folder.path, 'tests.yaml'), stringify(content));
    await promisify(execFile)(promtool, ['test', 'rules', join(folder.path, 'tests.yaml')]);
  }

  test('are rules that promtool accepts, with all that its lint looks for', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'rules.yaml');
    await writeFile(file, rules);
    await promisify(execFile)(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', file]);
  });

  test('each have a case here', () => {
    const names = ALERT_GROUPS.flatMap(({ alerts }) => alerts.map(({ name }) => name));
    expect(CASES.map(({ alert }) => alert)).toEqual(names);
  });

  test.each(CASES)(
    '$alert fires when it must, and not before',
    async ({ alert, when, afterMinutes, about }) => {
      const firing = `count by (alertname) (ALERTS{alertname="${alert}",alertstate="firing"})`;
      const before = afterMinutes - 1;
      await promtoolTest([
        {
          interval: '1m',
          input_series: seriesOf(when),
          promql_expr_test: [
            ...(before > 0 ? [{ expr: firing, eval_time: `${before}m`, exp_samples: [] }] : []),
            {
              expr: `sum without (alertname, alertstate, severity, product) (ALERTS{alertname="${alert}",alertstate="firing"})`,
              eval_time: `${afterMinutes + 1}m`,
              exp_samples: about.map((labels) => ({ labels: selectorOf(labels), value: 1 })),
            },
          ],
        },
      ]);
    },
  );

  test('are silent while all is well', async () => {
    await promtoolTest([
      {
        interval: '1m',
        input_series: seriesOf(ALL_IS_WELL),
        promql_expr_test: [20, 60, 80].map((minute) => ({
          expr: 'ALERTS',
          eval_time: `${minute}m`,
          exp_samples: [],
        })),
      },
    ]);
  });

  test('say in words what is wrong', async () => {
    const of = (name: string) =>
      ALERT_GROUPS.flatMap(({ alerts }) => alerts).find((one) => one.name === name);
    const fails = of('GpuClassroomGatewayFails');
    await promtoolTest([
      {
        interval: '1m',
        input_series: seriesOf(CASES.find(({ alert }) => alert === fails?.name)?.when ?? []),
        alert_rule_test: [
          {
            eval_time: '30m',
            alertname: fails?.name,
            exp_alerts: [
              {
                exp_labels: { severity: 'warning', product: 'gpu-classroom' },
                exp_annotations: {
                  summary: '10% of all requests end with an error that is not the fault of students.',
                  description: `${fails?.meaning} ${fails?.action}`,
                },
              },
            ],
          },
        ],
      },
    ]);
  });
});

function selectorOf(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return `{${pairs.join(',')}}`;
}
