import { describe, expect, test } from '@jest/globals';
import { type OperatorConfiguration, parseConfiguration } from '../../../src/operator/configuration.ts';

const GATEWAY = '--gateway-base-url=http://gateway.test/v1';

function configurationOf(argv: string[], env: Record<string, string> = {}): OperatorConfiguration {
  const parsed = parseConfiguration(argv, env);
  if (parsed.kind !== 'run') throw new Error(parsed.text);
  return parsed.options;
}

function refusalOf(argv: string[], env: Record<string, string> = {}): string {
  const parsed = parseConfiguration(argv, env);
  if (parsed.kind !== 'refused') throw new Error('it was accepted');
  return parsed.text;
}

describe('flags', () => {
  test('only the base URL of the gateway is needed', () => {
    expect(configurationOf([GATEWAY])).not.toHaveProperty('namespace');
    expect(configurationOf([GATEWAY])).toMatchObject({
      gatewayBaseUrl: 'http://gateway.test/v1',
      once: false,
      leaderElect: false,
      healthAddress: { host: '0.0.0.0', port: 8080 },
      metrics: true,
      logLevel: 'info',
      workers: 8,
      gatewayLabels: {
        'app.kubernetes.io/name': 'gpu-classroom',
        'app.kubernetes.io/component': 'gateway',
      },
    });
  });

  test.each([
    { flag: '--namespace=room-1', want: { namespace: 'room-1' } },
    { flag: '--once', want: { once: true } },
    { flag: '--leader-elect', want: { leaderElect: true } },
    { flag: '--no-metrics', want: { metrics: false } },
    { flag: '--health-address=[::1]:9', want: { healthAddress: { host: '::1', port: 9 } } },
    { flag: '--health-address=:9', want: { healthAddress: { host: '', port: 9 } } },
    { flag: '--workers=16', want: { workers: 16 } },
    { flag: '--prometheus-labels=app=p,tier=', want: { prometheusLabels: { app: 'p', tier: '' } } },
  ])('$flag', ({ flag, want }) => {
    expect(configurationOf([GATEWAY, flag])).toMatchObject(want);
  });

  test.each([
    ['https://llm.example', 'https://llm.example/v1'],
    ['https://llm.example/', 'https://llm.example/v1'],
    ['https://llm.example/v1/', 'https://llm.example/v1'],
    ['https://school.example/llm/v1', 'https://school.example/llm/v1'],
  ])('the base URL %s is given to students as %s', (given, want) => {
    expect(configurationOf(['--gateway-base-url', given]).gatewayBaseUrl).toBe(want);
  });
});

describe('environment', () => {
  const env = { GPU_CLASSROOM_GATEWAY_BASE_URL: 'http://from.env/v1', GPU_CLASSROOM_WORKERS: '2' };

  test('gives what flags can give', () => {
    const more = { ...env, GPU_CLASSROOM_METRICS: 'false', GPU_CLASSROOM_LEADER_ELECT: 'true' };
    expect(configurationOf([], more)).toMatchObject({
      gatewayBaseUrl: 'http://from.env/v1',
      workers: 2,
      metrics: false,
      leaderElect: true,
    });
  });

  test('loses against a flag', () => {
    expect(configurationOf([GATEWAY, '--workers=3'], env)).toMatchObject({
      gatewayBaseUrl: 'http://gateway.test/v1',
      workers: 3,
    });
  });

  test('counts as absent where it is empty', () => {
    expect(configurationOf([GATEWAY], { GPU_CLASSROOM_NAMESPACE: '' }).namespace).toBeUndefined();
  });
});

describe('mistakes', () => {
  test('are all reported at once, with the names of flag and variable', () => {
    const argv = ['--workers=many', '--health-address=8080', '--log-level=loud', '--namespace=No_Name'];
    expect(refusalOf(argv, { GPU_CLASSROOM_ONCE: 'perhaps' })).toBe(
      [
        'The configuration is not valid:',
        '  --namespace (or GPU_CLASSROOM_NAMESPACE) must be the name of a namespace',
        "  --once (or GPU_CLASSROOM_ONCE) must be 'true' or 'false'",
        "  --health-address (or GPU_CLASSROOM_HEALTH_ADDRESS) must be 'host:port', such as '0.0.0.0:8080'",
        '  --log-level (or GPU_CLASSROOM_LOG_LEVEL) must be one of debug, info, warn, error, silent',
        '  --gateway-base-url (or GPU_CLASSROOM_GATEWAY_BASE_URL) must be set',
        '  --workers (or GPU_CLASSROOM_WORKERS) must be a whole number',
        'See --help.',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['--bogus', "unknown option '--bogus'"],
    ['extra', "'extra' is not expected: values are written after their flag"],
    ['--workers', '--workers must be followed by a value'],
  ])('%s is not understood', (argument, why) => {
    expect(refusalOf([GATEWAY, argument])).toBe(`The configuration is not valid:\n  ${why}\nSee --help.\n`);
  });

  test('--help prints every flag and ends well', () => {
    const parsed = parseConfiguration(['--help'], {});
    expect(parsed).toMatchObject({
      kind: 'print',
      text: expect.stringContaining('--leader-election-namespace'),
    });
  });
});
