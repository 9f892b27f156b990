import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  type Environment,
  type Program,
  parseCommandLine,
  tellWhy,
} from '../../../src/command-line/parse.ts';
import { onOrOff, wholeNumber } from '../../../src/command-line/values.ts';

const schema = z.object({
  topic: z.string(),
  chairs: wholeNumber(1, 9),
  doors: wholeNumber(1, 9).optional(),
  heating: onOrOff,
  loud: onOrOff,
});

const room: Program<typeof schema> = {
  name: 'room',
  description: 'Opens a room.',
  schema,
  flags: {
    topic: { spelling: '[topic]', about: 'what it is for', default: 'maths' },
    chairs: { spelling: '--chairs <n>', about: 'seats', default: '3' },
    doors: { spelling: '--fire-doors <n>', about: 'ways out' },
    heating: { spelling: '--no-heating', about: 'leave it cold' },
    loud: { spelling: '--loud', about: 'with music' },
  },
};

function optionsOf(argv: string[], env?: Environment) {
  const parsed = parseCommandLine(room, argv, env);
  if (parsed.kind !== 'run') throw new Error(parsed.text);
  return parsed.options;
}

describe('a setting', () => {
  test('has its default where nobody says otherwise', () => {
    expect(optionsOf([])).toEqual({ topic: 'maths', chairs: 3, heating: true, loud: false });
  });

  test.each<[string[], Environment]>([
    [['physics', '--chairs=5', '--no-heating', '--loud', '--fire-doors', '2'], {}],
    [
      ['physics'],
      {
        GPU_CLASSROOM_CHAIRS: '5',
        GPU_CLASSROOM_HEATING: 'false',
        GPU_CLASSROOM_LOUD: 'true',
        GPU_CLASSROOM_FIRE_DOORS: '2',
      },
    ],
  ])('comes from %j and %j', (argv, env) => {
    expect(optionsOf(argv, env)).toEqual({
      topic: 'physics',
      chairs: 5,
      doors: 2,
      heating: false,
      loud: true,
    });
  });

  test('does not come from the environment of a program that takes nothing from there', () => {
    const parsed = parseCommandLine(room, ['--chairs=x']);
    expect(parsed).toEqual({
      kind: 'refused',
      text: 'error: The flags of room cannot be used:\n  --chairs must be a whole number\nSee what it takes: room --help\n',
    });
  });
});

test('help is printed and ends well; a mistake goes to standard error and ends with 2', () => {
  const tell = (argv: string[]) => {
    const lines: [string, string][] = [];
    const sink = (name: string) => ({ write: (text: string) => lines.push([name, text]) });
    const parsed = parseCommandLine(room, argv, {});
    if (parsed.kind === 'run') throw new Error('it was accepted');
    const code = tellWhy(parsed, { stdout: sink('stdout'), stderr: sink('stderr') });
    return { code, lines };
  };
  const help = expect.stringMatching(/--fire-doors <n> +ways out \[GPU_CLASSROOM_FIRE_DOORS\]/);
  expect(tell(['--help'])).toEqual({ code: 0, lines: [['stdout', help]] });
  const mistake = expect.stringContaining("unknown option '--chair'");
  expect(tell(['--chair'])).toEqual({ code: 2, lines: [['stderr', mistake]] });
});

describe('all mistakes are told at once', () => {
  const refusal = (argv: string[], env?: Environment) => {
    const parsed = parseCommandLine(room, argv, env);
    if (parsed.kind !== 'refused') throw new Error('it was not refused');
    return parsed.text.split('\n').slice(1, -2);
  };

  test('unknown flags, with what was probably meant', () => {
    expect(refusal(['--chair', '5', '--colour=red', '--lout'])).toEqual([
      "  unknown option '--chair': did you mean --chairs?",
      "  unknown option '--colour'",
      "  unknown option '--lout': did you mean --loud?",
    ]);
  });

  test('flags without their value, which do not take the next flag for it', () => {
    expect(refusal(['--chairs', '--loud', '--fire-doors'])).toEqual([
      '  --chairs must be followed by a value',
      '  --fire-doors must be followed by a value',
    ]);
  });

  test('values of flags that take none', () => {
    expect(refusal(['--loud=true'])).toEqual(['  --loud takes no value']);
  });

  test('words that nothing asked for, and values that are wrong', () => {
    expect(refusal(['maths', 'physics', '--chairs', '-3'])).toEqual([
      "  'physics' is not expected: values are written after their flag",
      '  --chairs must be a whole number',
    ]);
  });
});

describe('a flag with a short form', () => {
  const paint: Program<z.ZodObject<{ colour: z.ZodString }>> = {
    name: 'paint',
    description: 'Paints.',
    epilogue: '\nExamples:\n  paint -c red\n',
    schema: z.object({ colour: z.string().min(3, 'must have three letters') }),
    flags: { colour: { spelling: '-c, --colour <name>', about: 'of the wall', default: 'white' } },
  };

  test.each([
    [[], 'white'],
    [['-c', 'red'], 'red'],
    [['-cred'], 'red'],
    [['--colour=red'], 'red'],
  ])('%j', (argv, want) => {
    expect(parseCommandLine(paint, argv)).toMatchObject({ options: { colour: want } });
  });

  test('is told by its long name, and help ends with the examples', () => {
    expect(parseCommandLine(paint, ['-c', 'x'])).toMatchObject({
      text: expect.stringContaining('--colour must have three letters'),
    });
    expect(parseCommandLine(paint, ['-h'])).toEqual({
      kind: 'print',
      text: expect.stringMatching(/-c, --colour <name> .*Examples:\n {2}paint -c red\n$/s),
    });
  });
});

describe('an argument that takes all words', () => {
  const names = z.object({ names: z.string().optional(), loud: onOrOff });
  const roll: Program<typeof names> = {
    name: 'roll',
    description: 'Calls the roll.',
    schema: names,
    flags: {
      names: { spelling: '[names...]', about: 'who is called' },
      loud: { spelling: '--loud', about: 'with music' },
    },
  };

  test.each<[string[], string | undefined]>([
    [[], undefined],
    [['ada'], 'ada'],
    [['ada', '--loud', 'alan'], 'ada alan'],
  ])('gets %j as one text', (argv, want) => {
    const parsed = parseCommandLine(roll, argv);
    expect(parsed.kind === 'run' && parsed.options.names).toBe(want);
  });
});
