import { describe, expect, test } from '@jest/globals';
import { parseSettings } from '../../../src/gateway/options.ts';

/** Files by their names. */
const FILES: Record<string, string> = {
  'gateway.yaml': `idleTimeout: 7s
logLevel: warn
maxBodyBytes: 2048
trustedProxies: [10.0.0.0/8, "fd00::/8"]
jwt:
  issuer: https://login.example.org
  audience: gpu-classroom
  jwksUrl: https://login.example.org/certs
  classroom: school/python-101
`,
  'broken.yaml': `idleTimeout: soon
idelTimeout: 7s
listen: {host: a}
newKey: true
jwt:
  issuer: x
  audience: y
  jwksUrl: http://login.example.org/
`,
  'no-url.yaml': 'jwt: {issuer: x, audience: y, classroom: a/b, jwksUrl: nonsense}',
  'no.yaml': 'a: [',
  'list.yaml': '- a',
  'empty.yaml': '',
};

function readText(path: string): string {
  const text = FILES[path];
  if (text === undefined) throw new Error('no such file');
  return text;
}

function settings(argv: readonly string[], env: Record<string, string> = {}) {
  const parsed = parseSettings(argv, env, readText);
  if (parsed.kind !== 'run') throw new Error(parsed.text);
  return parsed.options;
}

/** One line for each mistake. */
function refusalOf(argv: readonly string[], env: Record<string, string> = {}): string[] {
  const parsed = parseSettings(argv, env, readText);
  if (parsed.kind !== 'refused') throw new Error('it was accepted');
  return parsed.text.split('\n').filter((line) => line.startsWith('  '));
}

describe('the command line', () => {
  test('needs nothing', () => {
    expect(settings([])).toMatchObject({
      listen: { host: '0.0.0.0', port: 8080 },
      healthAddress: { host: '0.0.0.0', port: 8081 },
      connectTimeoutMs: 3_000,
      firstByteTimeoutMs: 600_000,
      shutdownGraceMs: 30_000,
      maxBodyBytes: 4_194_304,
      logLevel: 'info',
      ledger: '/var/lib/gpu-classroom/ledger.db',
    });
    expect(settings([]).staticFile).toBeUndefined();
  });

  test.each<[string, string[], object]>([
    ['an address', ['--listen', '127.0.0.1:0'], { listen: { host: '127.0.0.1', port: 0 } }],
    ['an IPv6 address', ['--listen', '[::1]:80'], { listen: { host: '::1', port: 80 } }],
    ['no health server', ['--health-address=off'], { healthAddress: undefined }],
    ['milliseconds', ['--idle-timeout', '500ms'], { idleTimeoutMs: 500 }],
    ['hours', ['--total-timeout', '2h'], { totalTimeoutMs: 7_200_000 }],
    ['a static file', ['--static', 'x.yaml'], { staticFile: 'x.yaml' }],
  ])('%s', (_, argv, want) => {
    expect(settings(argv)).toMatchObject(want);
  });

  test('the environment counts where no flag is given', () => {
    const env = { GPU_CLASSROOM_IDLE_TIMEOUT: '7s', GPU_CLASSROOM_LOG_LEVEL: 'debug' };
    expect(settings(['--log-level=warn'], env)).toMatchObject({ idleTimeoutMs: 7_000, logLevel: 'warn' });
  });

  test('all faults are told at once', () => {
    expect(
      refusalOf(['--listen=here', '--idle-timeout=5', '--static=a', '--kubeconfig=b'], {
        GPU_CLASSROOM_MAX_BODY_BYTES: 'many',
      }),
    ).toEqual([
      expect.stringMatching(/--listen \(or GPU_CLASSROOM_LISTEN\) must be 'host:port'/),
      expect.stringMatching(/--idle-timeout \(or GPU_CLASSROOM_IDLE_TIMEOUT\) must be a number with a unit/),
      expect.stringMatching(/--max-body-bytes \(or GPU_CLASSROOM_MAX_BODY_BYTES\) must be a whole number/),
    ]);
    expect(refusalOf(['--static=a', '--kubeconfig=b'])).toEqual([
      '  --static (or GPU_CLASSROOM_STATIC) cannot be used together with --kubeconfig: take one of them',
    ]);
  });

  test.each([
    ['--valkey=nonsense', /--valkey .* must be a URL such as redis:/],
    ['--valkey=redis://user:password@:6379', /--valkey .* must be a URL such as redis:/],
    ['--valkey=http://host', /--valkey .* must be a URL such as redis:/],
    ['--config=no-url.yaml', /no-url.yaml: line 1: jwt.jwksUrl: must be an https URL/],
    ['--otlp-endpoint=nonsense', /--otlp-endpoint .* must be a URL/],
    // Node would take 0 for "no limit", or look without a pause.
    ['--headers-timeout=0s', /--headers-timeout .* must be more than 0/],
    ['--engine-metrics-interval=0s', /--engine-metrics-interval .* must be more than 0/],
    // Node refuses it when the server is made.
    ['--request-timeout=10s', /--request-timeout .* must not be shorter than --headers-timeout/],
    // A timer beyond 2^31 ms fires at once.
    ['--idle-timeout=1000h', /--idle-timeout .* must not be more than 500h/],
  ])('%s is refused in words, without what was given', (flag, want) => {
    const faults = refusalOf([flag]);
    expect(faults).toEqual([expect.stringMatching(want)]);
    expect(faults.join()).not.toContain('password');
  });

  test.each([[['--nonsense']], [['argument']], [['--listen']]])('%j is refused', (argv) => {
    expect(parseSettings(argv, {}, readText).kind).toBe('refused');
  });

  test('help names every flag and its variable', () => {
    const parsed = parseSettings(['--help'], {}, readText);
    const text = parsed.kind === 'print' ? parsed.text : '';
    for (const flag of ['listen', 'static', 'salt-secret-file', 'shutdown-grace']) {
      expect(text).toContain(`--${flag}`);
      expect(text).toContain(`[GPU_CLASSROOM_${flag.replaceAll('-', '_').toUpperCase()}]`);
    }
  });
});

describe('a file of settings', () => {
  test('counts where neither flag nor variable is given', () => {
    expect(
      settings(['--config=gateway.yaml', '--log-level=debug'], { GPU_CLASSROOM_MAX_BODY_BYTES: '4096' }),
    ).toMatchObject({
      idleTimeoutMs: 7_000,
      logLevel: 'debug',
      maxBodyBytes: 4096,
      trustedProxies: [
        { address: '10.0.0.0', prefix: 8 },
        { address: 'fd00::', prefix: 8 },
      ],
      jwt: { issuer: 'https://login.example.org', studentClaim: 'sub', clockToleranceMs: 30_000 },
    });
  });

  test('may be named by the environment, and may be empty', () => {
    expect(settings([], { GPU_CLASSROOM_CONFIG: 'gateway.yaml' })).toMatchObject({ idleTimeoutMs: 7_000 });
    expect(settings(['--config=empty.yaml']).jwt).toBeUndefined();
  });

  test('is told all its faults at once with those of the flags, each with its line', () => {
    expect(refusalOf(['--config=broken.yaml', '--log-level=loud'])).toEqual([
      expect.stringMatching(/broken.yaml: line 2: idelTimeout: is not a setting/),
      expect.stringMatching(/broken.yaml: line 3: listen: must be one value/),
      expect.stringMatching(/broken.yaml: line 4: newKey: is not a setting/),
      expect.stringMatching(/broken.yaml: line 8: jwt.jwksUrl: must be https/),
      expect.stringMatching(/broken.yaml: line \d: jwt: must have either "classroom" or/),
      expect.stringMatching(/broken.yaml: line 1: idleTimeout: must be a number with a unit/),
      expect.stringMatching(/--log-level .* must be one of/),
    ]);
  });

  test.each([
    ['no.yaml', /no.yaml: line 1: .* not valid YAML/],
    ['list.yaml', /list.yaml: line 1: must be settings/],
    ['missing.yaml', /missing.yaml \(--config\) cannot be read: no such file/],
  ])('%s is refused', (path, want) => {
    expect(refusalOf([`--config=${path}`])).toEqual([expect.stringMatching(want)]);
  });

  test('that is printed gives the same settings again', () => {
    const printed = parseSettings(['--config=gateway.yaml', '--print-config'], {}, readText);
    const text = printed.kind === 'print' ? printed.text : '';
    const again = parseSettings(['--config=x'], {}, () => text);
    const { config: _, ...want } = settings(['--config=gateway.yaml']);
    expect(again).toMatchObject({ kind: 'run', options: want });
  });
});
