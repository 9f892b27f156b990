import { describe, expect, test } from '@jest/globals';
import { environmentName, parseCommandLine } from '../../../src/gateway/options.ts';

function settings(argv: readonly string[], env: Record<string, string> = {}) {
  const parsed = parseCommandLine(argv, env);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.settings;
}

describe('the command line', () => {
  test('needs nothing', () => {
    expect(settings([])).toMatchObject({
      listen: { host: '0.0.0.0', port: 8080 },
      healthAddress: { host: '0.0.0.0', port: 8081 },
      staticFile: undefined,
      connectTimeoutMs: 3_000,
      firstByteTimeoutMs: 600_000,
      shutdownGraceMs: 30_000,
      maxBodyBytes: 4_194_304,
      logLevel: 'info',
    });
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
    const env = { [environmentName('idle-timeout')]: '7s', [environmentName('log-level')]: 'debug' };
    expect(environmentName('idle-timeout')).toBe('GPU_CLASSROOM_IDLE_TIMEOUT');
    expect(settings(['--log-level=warn'], env)).toMatchObject({ idleTimeoutMs: 7_000, logLevel: 'warn' });
  });

  test('all faults are told at once, each by the name of where it came from', () => {
    const parsed = parseCommandLine(['--listen=here', '--idle-timeout=5', '--static=a', '--kubeconfig=b'], {
      [environmentName('max-body-bytes')]: 'many',
    });
    const faults = parsed.kind === 'invalid' ? parsed.faults : [];
    expect(faults).toEqual([
      expect.stringMatching(/^--listen must be an address and a port/),
      expect.stringMatching(/^--idle-timeout must be a number with a unit/),
      expect.stringMatching(/^GPU_CLASSROOM_MAX_BODY_BYTES must be a number/),
    ]);
    expect(parseCommandLine(['--static=a', '--kubeconfig=b'], {})).toEqual({
      kind: 'invalid',
      faults: ['--static cannot be used together with --kubeconfig: take one of them'],
    });
  });

  test.each([[['--nonsense']], [['argument']], [['--listen']]])('%j is refused', (argv) => {
    expect(parseCommandLine(argv, {}).kind).toBe('invalid');
  });

  test('help names every flag and its variable', () => {
    const parsed = parseCommandLine(['--help'], {});
    const text = parsed.kind === 'show' ? parsed.text : '';
    for (const flag of ['listen', 'static', 'salt-secret-file', 'shutdown-grace']) {
      expect(text).toContain(`--${flag}`);
      expect(text).toContain(environmentName(flag));
    }
  });
});
