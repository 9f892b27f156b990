import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Document, documents, ROOT } from '../../support/documents.ts';
import { GUIDES } from '../../support/guides.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';

/** Documents with commands that no test runs as they stand, and why. */
const LOOKED_UP: Readonly<Record<string, string>> = {
  'CONTRIBUTING.md': 'sets up a checkout and runs all tests',
  'docs/benchmarks.md': 'measures for minutes',
  'docs/cli.md': 'an example for every flag; each is a class or roster of its own',
  'docs/engine-watch.md': 'breaks an engine: test/e2e/engine-watch.test.ts does',
  'docs/node-preparation.md': 'cuts nodes: test/e2e/node-preparation.test.ts does',
  'docs/exams.md': 'begins and ends an exam: test/integration/cli/life.test.ts does',
  'docs/timetable.md': 'extends a session: test/integration/cli/life.test.ts does',
  'docs/simulator.md': 'starts a server, or needs an installed vLLM',
};

/** What `docs/cli.md` shows the answer to. */
const MISTAKE_THAT_IS_SHOWN = 'plan has no --modle';

const all = documents();
const isGuide = (path: string): boolean => (GUIDES as readonly string[]).includes(path);

/** Words of every `kubectl classroom …` that is set as code, up to where a shell goes on. */
function commandLines({ code }: Document): string[][] {
  const text = code.join('\n').replaceAll(/\\\n\s*/g, '');
  return [...text.matchAll(/kubectl[ -]classroom ([a-z][^\n|>;"'()]*)/g)].map(([, words = '']) =>
    words.trim().split(/\s+/),
  );
}

/** Command and subcommand, as far as there are such, and the flags behind them. */
async function faultsOf(words: readonly string[]): Promise<string[]> {
  const plain = words.slice(0, words.findIndex((word) => !/^[a-z]+$/.test(word)) >>> 0);
  for (const length of [2, 1]) {
    const command = plain.slice(0, length);
    if (command.length < length) continue;
    const help = await kubectlClassroom([...command, '--help']);
    if (help.code !== 0 || !help.stdout.includes(`classroom ${command.join(' ')} `)) continue;
    const known = new Set(['--help', ...(help.stdout.match(/--?[a-zA-Z][-a-z]*/g) ?? [])]);
    // A message that is shown may end with a command, and with a full stop after it.
    const flags = words.flatMap((word) => /^--?[a-zA-Z][-\w]*/.exec(word) ?? []);
    return flags.filter((flag) => !known.has(flag)).map((flag) => `${command.join(' ')} has no ${flag}`);
  }
  return [`there is no command '${words.slice(0, 2).join(' ')}'`];
}

describe('commands in documents', () => {
  test('are run by a test, or it is said why not', () => {
    const withCommands = all.filter(({ blocks }) => blocks.some(({ language }) => language === 'sh'));
    const unknown = withCommands.map(({ path }) => path).filter((path) => !isGuide(path));
    // Pages of single commands of `kubectl classroom` are tested with those.
    const unexplained = unknown.filter((path) => !(path in LOOKED_UP) && !/^docs\/cli-.+\.md$/.test(path));
    expect(unexplained).toEqual([]);
  });

  test('of guides are left out with a reason', () => {
    const skipped = all.flatMap(({ blocks }) => blocks).filter(({ use }) => use.kind === 'not run');
    expect(skipped.length).toBeGreaterThan(0);
    for (const { where, use } of skipped) {
      expect([where, use]).toEqual([where, { kind: 'not run', reason: expect.stringMatching(/\w+ \w+/) }]);
    }
  });

  test.each(Object.keys(LOOKED_UP))('%s, whose commands are looked up, is there', (path) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
  });

  // What is there tells how to add a command that is not.
  const naming = all.filter((page) => page.path !== 'docs/cli-commands.md' && commandLines(page).length > 0);
  test.each(naming.map((page) => [page.path, page] as const))(
    '%s names only commands and flags of kubectl classroom that exist',
    async (_, page) => {
      const lines = new Map(commandLines(page).map((words) => [words.join(' '), words]));
      const faults = await Promise.all([...lines.values()].map(faultsOf));
      expect(faults.flat().filter((fault) => fault !== MISTAKE_THAT_IS_SHOWN)).toEqual([]);
    },
  );
});
