import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runSetup } from '../../../../src/demo/binaries/setup.ts';
import { CONTROL_PLANE_TOOLS } from '../../../../src/demo/binaries/versions.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { installFakePrograms } from './fake-programs.ts';

async function setup(folder: string, ...args: string[]) {
  let printed = '';
  const told: string[] = [];
  const exitCode = await runSetup({
    arguments: args,
    stdout: {
      write: (text) => {
        printed += text;
      },
    },
    ensure: {
      environment: { KUBEBUILDER_ASSETS: join(folder, 'assets'), XDG_CACHE_HOME: join(folder, 'cache') },
      platform: { os: 'freebsd', arch: 'x64' },
      progress: { line: (text) => told.push(text), update: () => {} },
      now: () => 0,
      runGo: async () => 'not-installed',
    },
  });
  return { exitCode, printed, told };
}

describe('npm run setup', () => {
  test('prints one line when everything is in place', async () => {
    await using folder = await temporaryFolder();
    const assets = join(folder.path, 'assets');
    await installFakePrograms(assets);
    expect(await setup(folder.path)).toEqual({
      exitCode: 0,
      printed: `Control plane ready: ${CONTROL_PLANE_TOOLS.join(', ')} in ${assets}\n`,
      told: [],
    });
  });

  test('--print gives the path of each program as JSON', async () => {
    await using folder = await temporaryFolder();
    const assets = join(folder.path, 'assets');
    await installFakePrograms(assets);
    const { exitCode, printed } = await setup(folder.path, '--print');
    expect(exitCode).toBe(0);
    expect(JSON.parse(printed)).toEqual(
      Object.fromEntries(CONTROL_PLANE_TOOLS.map((tool) => [tool, join(assets, tool)])),
    );
  });

  test('ends with 1 and the ways out when something cannot be provided', async () => {
    await using folder = await temporaryFolder();
    const { exitCode, printed, told } = await setup(folder.path);
    expect({ exitCode, printed }).toEqual({ exitCode: 1, printed: '' });
    expect(told.at(-1)).toMatch(/^setup: etcd, .* could not be provided/);
  });

  test('ends with 2 for an argument that it does not know', async () => {
    await using folder = await temporaryFolder();
    const { exitCode, told } = await setup(folder.path, '--pirnt');
    expect({ exitCode, told }).toEqual({
      exitCode: 2,
      told: ['setup: unknown argument --pirnt. Known: --for-tests, --print'],
    });
  });
});
