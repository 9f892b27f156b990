import { describe, expect, test } from '@jest/globals';
import { parseDemoOptions } from '../../../src/demo/options.ts';

describe('The command line of the demo', () => {
  test('without flags: a class of twenty, until Ctrl-C', () => {
    expect(parseDemoOptions([])).toMatchObject({
      kind: 'run',
      options: { mode: 'class', students: 20, exit: false, speed: 1 },
    });
  });

  test('everything can be said at once', () => {
    const flags =
      '--students 40 --exit --nodes n.yaml --model /m/tiny --port 8080 --speed 10 --keep logs'.split(' ');
    expect(parseDemoOptions(['cluster', ...flags])).toMatchObject({
      kind: 'run',
      options: {
        mode: 'cluster',
        students: 40,
        exit: true,
        nodes: 'n.yaml',
        model: '/m/tiny',
        port: 8080,
        speed: 10,
        keep: 'logs',
      },
    });
  });

  test('a cluster may be empty', () => {
    expect(parseDemoOptions(['cluster', '--empty'])).toMatchObject({
      options: { mode: 'cluster', empty: true },
    });
    expect(parseDemoOptions(['cluster'])).toMatchObject({ options: { empty: false } });
  });

  test.each([
    [['--empty'], '--empty is for a cluster without a class'],
    [['--students', '0'], '--students must be at least 1'],
    [['--students', 'many'], '--students must be a whole number'],
    [['--speed', '0'], '--speed must be more than 0'],
    [['--port', '70000'], '--port must not be more than 65535'],
    [['--unknown'], "unknown option '--unknown'"],
    [['school'], 'mode must be one of class, cluster'],
  ])('%j is refused: %s', (argv, want) => {
    const parsed = parseDemoOptions(argv);
    expect(parsed).toMatchObject({ kind: 'refused' });
    expect(parsed.kind === 'refused' && parsed.text).toContain(want);
  });

  test('--help names every option', () => {
    const parsed = parseDemoOptions(['--help']);
    const text = parsed.kind === 'print' ? parsed.text : '';
    for (const flag of [
      '--empty',
      '--students',
      '--exit',
      '--nodes',
      '--model',
      '--port',
      '--speed',
      '--keep',
      'cluster',
    ]) {
      expect(text).toContain(flag);
    }
  });
});
