import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { listenOn } from '../../../src/http/listen.ts';
import { envFile } from '../../../src/student/handout/env-file.ts';
import { LOAD_SETTINGS, snippets } from '../../../src/student/handout/snippets.ts';
import { HANDOUT_LANGUAGES, HANDOUT_WORDS } from '../../../src/student/handout/words.ts';
import { hasPython, pythonWithOpenAI } from '../../support/python-client.ts';

// A busy machine is slow, not wrong; the first time, Python's client is installed.
jest.setTimeout(300_000);

const KEY = 'gpc_of-alice';
const ANSWER = 'No: 91 = 7 × 13.';

let server: Server;
let folder: string;
/** What was asked, as far as it was the right student and model. */
const asked: unknown[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = JSON.parse(await new Response(request).text());
    const isAlice = request.headers.authorization === `Bearer ${KEY}`;
    if (request.url !== '/v1/chat/completions' || !isAlice || body.model !== 'org/qwen:7b') {
      response.writeHead(400).end('{}');
      return;
    }
    asked.push(body.messages);
    const message = { role: 'assistant', content: ANSWER };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        id: 'chatcmpl-1',
        object: 'chat.completion',
        created: 0,
        model: body.model,
        choices: [{ index: 0, message, finish_reason: 'stop' }],
      }),
    );
  });
  const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 });
  folder = await mkdtemp(join(tmpdir(), 'handout-'));
  const settings = { apiKey: KEY, baseURL: `http://127.0.0.1:${port}/v1`, model: 'org/qwen:7b' };
  await writeFile(join(folder, '.env'), envFile(settings));
  await symlink(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'));
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** In a new terminal, as the sheet says: the settings are loaded, then the program is started. */
async function inTerminal(command: string, path: readonly string[] = []): Promise<string> {
  const PATH = [...path, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter);
  const script = `${LOAD_SETTINGS.shell}\n${command}`;
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: folder, env: { PATH } });
  return stdout;
}

describe.each(HANDOUT_LANGUAGES)('the first programs of a handout in %s ask the class', (language) => {
  const { question } = HANDOUT_WORDS[language];
  const wantMessages = [{ role: 'user', content: question }];
  const programs = snippets(question);

  test('with Node', async () => {
    await writeFile(join(folder, 'first.mjs'), programs.node);
    expect(await inTerminal('node first.mjs')).toBe(`${ANSWER}\n`);
    expect(asked.splice(0)).toEqual([wantMessages]);
  });

  (hasPython() ? test : test.skip)('with Python', async () => {
    await writeFile(join(folder, 'first.py'), programs.python);
    expect(await inTerminal('python first.py', [dirname(pythonWithOpenAI())])).toBe(`${ANSWER}\n`);
    expect(asked.splice(0)).toEqual([wantMessages]);
  });

  test('with curl', async () => {
    expect(JSON.parse(await inTerminal(programs.curl))).toMatchObject({
      choices: [{ message: { content: ANSWER } }],
    });
    expect(asked.splice(0)).toEqual([wantMessages]);
  });
});
