import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ERROR_CODES } from '../../../src/gateway/errors.ts';
import { NAMES_IN_FILE } from '../../../src/gateway/options.ts';
import { readGatewayFile } from '../../../src/gateway/settings-file.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { CHAT_ANSWER, startScriptedEngine } from './scripted-engine.ts';

const text = await readFile(join(import.meta.dirname, '../../../docs/gateway.md'), 'utf8');

function exampleOf(name: string): string {
  const match = new RegExp(`<!-- example: ${name} -->\\n\`\`\`yaml\\n([\\s\\S]*?)\`\`\``).exec(text);
  return match?.[1] ?? '';
}

describe('docs/gateway.md', () => {
  test('lists every error, and no other, and says what to do about each', () => {
    const rows = text.slice(text.indexOf('<!-- errors -->'), text.indexOf('<!-- end -->'));
    const listed = rows.split('\n').filter((line) => line.startsWith('| `'));
    expect(listed).toEqual(
      ERROR_CODES.map(({ code, status, type }) =>
        expect.stringMatching(`^\\| \`${code}\` \\| ${status} \\| \`${type}\` \\| \\S[^|]+ \\|$`),
      ),
    );
  });

  test('its example of a file of settings is right', () => {
    const { faults, jwt } = readGatewayFile('gateway.yaml', exampleOf('gateway.yaml'), NAMES_IN_FILE);
    expect(faults).toEqual([]);
    expect(jwt?.studentClaim).toBe('preferred_username');
  });

  test('its example of a static file serves a student', async () => {
    const engine = await startScriptedEngine();
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'static.yaml');
    const example = exampleOf('static.yaml');
    await writeFile(path, example.replace('http://127.0.0.1:8000', engine.url));
    const gateway = startGatewayProcess(['--static', path]);
    const answer = await fetch(`${await gateway.url()}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${/key: (gpc_\w+)/.exec(example)?.[1]}` },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    expect([answer.status, await answer.json()]).toEqual([200, CHAT_ANSWER]);
    expect(engine.calls[0]?.body).toMatchObject({
      model: 'qwen2.5-7b-instruct',
      max_completion_tokens: 1024,
    });
    expect(await gateway.stop()).toBe(0);
    await engine.close();
  });
});

describe('a gateway that cannot start', () => {
  test('says all that is wrong with its options, and exits with 2', async () => {
    const gateway = startGatewayProcess(['--idle-timeout=soon', '--log-level=loud']);
    expect(await gateway.exited()).toBe(2);
    expect(gateway.output()).toMatch(/--idle-timeout .* must be .*\n +--log-level .*\nSee --help/);
  });

  test('names file, line and field of a static file that is wrong', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'static.yaml');
    await writeFile(path, exampleOf('static.yaml').replace('http://127.0.0.1:8000', 'nowhere'));
    const gateway = startGatewayProcess(['--static', path]);
    expect(await gateway.exited()).toBe(1);
    expect(gateway.output()).toMatch(/static\.yaml: line \d+: classes\[0\]\.engines\[0\]: must be a URL/);
    expect(gateway.output()).not.toContain('    at ');
  });

  test.each([
    ['--static', 'missing.yaml'],
    ['--salt-secret-file', 'missing.txt'],
  ])('names the file that %s cannot read', async (flag, file) => {
    const gateway = startGatewayProcess([flag, file]);
    expect(await gateway.exited()).toBe(1);
    expect(gateway.output()).toContain(`${file} (${flag}) cannot be read`);
  });

  test('refuses a salt secret that can be guessed', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'salt');
    await writeFile(path, 'short\n');
    const gateway = startGatewayProcess(['--salt-secret-file', path]);
    expect(await gateway.exited()).toBe(1);
    expect(gateway.output()).toContain('holds 5 bytes, but at least 16 are needed');
  });
});
