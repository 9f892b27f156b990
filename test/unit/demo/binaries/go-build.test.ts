import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { buildWithGo, runGo } from '../../../../src/demo/binaries/go-build.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const GO_BUILD = { tags: [], linkerFlags: [], packages: 3_000, minutes: '5 to 10' };

async function fakeGo(folder: string, script: string): Promise<void> {
  await writeFile(join(folder, 'go'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

describe('running Go', () => {
  test('gives its exit code and each line that it prints on stderr', async () => {
    await using folder = await temporaryFolder();
    await fakeGo(folder.path, 'echo "$1 in $PLACE" >&2; echo second >&2; exit 3');
    const lines: string[] = [];
    const exitCode = await runGo({
      arguments: ['build'],
      folder: folder.path,
      environment: { PATH: folder.path, PLACE: 'here' },
      onLine: (line) => lines.push(line),
    });
    expect({ exitCode, lines }).toEqual({ exitCode: 3, lines: ['build in here', 'second'] });
  });

  test('tells when there is no Go', async () => {
    await using folder = await temporaryFolder();
    const result = await runGo({
      arguments: ['version'],
      folder: folder.path,
      environment: { PATH: folder.path },
      onLine: () => {},
    });
    expect(result).toBe('not-installed');
  });
});

test('shows the package that is being compiled and for how long Go has been at it', async () => {
  await using folder = await temporaryFolder();
  const updates: string[] = [];
  let nowMs = 0;
  await buildWithGo({
    tools: ['helm'],
    goBuild: { ...GO_BUILD, moduleFolder: folder.path },
    outputFolder: join(folder.path, 'out'),
    platform: { os: 'linux', arch: 'x64' },
    environment: {},
    progress: { line: () => {}, update: (text) => updates.push(text) },
    now: () => nowMs,
    async runGo({ onLine }) {
      nowMs = 61_000;
      onLine('k8s.io/api/core/v1');
      return 0;
    },
  });
  expect(updates).toEqual([
    'Building with Go, 61 s (the first time takes 5 to 10 minutes), package 1 of at most about 3000: k8s.io/api/core/v1',
  ]);
});

test('removes what an earlier build left in its way', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'half-written'), '');
  await buildWithGo({
    tools: ['helm'],
    goBuild: { ...GO_BUILD, moduleFolder: folder.path },
    outputFolder: folder.path,
    platform: { os: 'linux', arch: 'x64' },
    environment: {},
    progress: { line: () => {}, update: () => {} },
    now: () => 0,
    runGo: async () => 0,
  });
  expect(await readdir(folder.path)).toEqual([]);
});
