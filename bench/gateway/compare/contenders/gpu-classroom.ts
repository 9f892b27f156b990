import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API_KEY_RANDOM_BYTES, generateApiKey } from '../../../../src/student/api-key.ts';
import { PROXY_CORE, RunningProgram, type StartContender } from '../contender.ts';

const MAIN = fileURLToPath(new URL('../../../../src/gateway/main.ts', import.meta.url));
const STUDENTS = 64;
/** As much as the API allows: what is measured is the price of the checks, and nobody is to be refused. */
const LIMITS =
  '{requestsPerMinute: 100000, tokensPerMinute: 1000000000, tokensPerDay: 1000000000000, concurrentRequests: 1000, maxOutputTokens: 1024}';

/** Ours with everything on: keys, body schema, all limits, queue, ledger on disk, metrics and access log. */
export const startGpuClassroom: StartContender = async ({ upstreams, folder }) => {
  const keys = Array.from({ length: STUDENTS * 2 }, (_, index) =>
    generateApiKey(new Uint8Array(API_KEY_RANDOM_BYTES).fill(index + 1)),
  );
  const staticFile = join(folder, 'static.yaml');
  const classes = [
    classOf('answers', upstreams.answerPort, keys.slice(0, STUDENTS)),
    classOf('streams', upstreams.streamPort, keys.slice(STUDENTS)),
  ];
  await writeFile(staticFile, `classes:\n${classes.join('')}`, { mode: 0o600 });
  const program = new RunningProgram({
    command: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      // As docs/gateway.md advises.
      '--max-semi-space-size=16',
      MAIN,
      '--listen=127.0.0.1:0',
      '--health-address=127.0.0.1:0',
      `--ledger=${join(folder, 'ledger.db')}`,
      `--static=${staticFile}`,
    ],
    core: PROXY_CORE,
  });
  const port = Number(await program.said(/"address":"127\.0\.0\.1:(\d+)"[^\n]*takes requests/));
  return {
    name: 'GPU Classroom',
    target: (kind) => ({
      host: '127.0.0.1',
      port,
      path: '/v1/chat/completions',
      headers: keys
        .slice(kind === 'answer' ? 0 : STUDENTS, kind === 'answer' ? STUDENTS : undefined)
        .map((key) => ({ authorization: `Bearer ${key}` })),
      model: 'tiny',
    }),
    pid: program.pid,
    stop: () => program.stop(),
  };
};

function classOf(name: string, port: number, keys: readonly string[]): string {
  const students = keys.map((key, index) => `{id: student-${index}, key: ${key}}`).join(', ');
  const spec = `{model: {id: tiny, servedName: tiny, maxModelLen: 4096}, limits: {perStudent: ${LIMITS}}, engine: {maxNumSeqs: 2000}}`;
  return `  - {name: ${name}, spec: ${spec}, engines: ["http://127.0.0.1:${port}"], students: [${students}]}\n`;
}
