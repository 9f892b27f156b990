import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, jest, test } from '@jest/globals';
import { completionScript, SHELLS } from '../../../../src/cli/completion/scripts.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(120_000);

const repository = join(import.meta.dirname, '../../../..');

/** What a real bash has in COMPREPLY after the tab. */
async function completed(...words: string[]): Promise<string[]> {
  const script = `${completionScript('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kubectl_classroom; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH: `${join(repository, 'bin')}:${process.env.PATH}` };
  const argv = ['--norc', '-c', script, 'bash', 'kubectl-classroom', ...words];
  const { stdout } = await promisify(execFile)('bash', argv, { cwd: repository, env });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('the script for bash, in bash', () => {
  test('completes commands, and hides what they do', async () => {
    expect(await completed('st')).toEqual(['status']);
  });

  test('leaves names of files to bash', async () => {
    expect(await completed('plan', '--from', 'packa')).toEqual(['package.json', 'package-lock.json'].sort());
  });
});

test.each(SHELLS)('the script for %s asks the program, and says how it is installed', (shell) => {
  const script = completionScript(shell);
  expect(script).toContain('kubectl-classroom __complete');
  expect(script).toMatch(/^#/);
});
