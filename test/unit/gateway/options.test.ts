import { describe, expect, test } from '@jest/globals';
import { parseSettings } from '../../../src/gateway/options.ts';

function settings(argv: readonly string[], env: Record<string, string> = {}) {
  const parsed = parseSettings(argv, env);
  if (parsed.kind !== 'run') throw new Error(parsed.text);
  return parsed.options;
}

/** One line for each mistake. */
function refusalOf(argv: readonly string[], env: Record<string, string> = {}): string[] {
  const parsed = parseSettings(argv, env);
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

  test.each([[['--nonsense']], [['argument']], [['--listen']]])('%j is refused', (argv) => {
    expect(parseSettings(argv, {}).kind).toBe('refused');
  });

  test('help names every flag and its variable', () => {
    const parsed = parseSettings(['--help'], {});
    const text = parsed.kind === 'print' ? parsed.text : '';
    for (const flag of ['listen', 'static', 'salt-secret-file', 'shutdown-grace']) {
      expect(text).toContain(`--${flag}`);
      expect(text).toContain(`[GPU_CLASSROOM_${flag.replaceAll('-', '_').toUpperCase()}]`);
    }
  });
});
