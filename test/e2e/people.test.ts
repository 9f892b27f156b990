import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import type { Binaries } from '../../src/demo/binaries/versions.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import { freePorts } from '../../src/demo/control-plane/ports.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { ROOT } from '../support/documents.ts';
import { hasPython } from '../support/python-client.ts';
import { linkCheckout, openShell, type Shell } from '../support/shell.ts';
import { missingLine, readTranscript } from '../support/transcript.ts';

const TRANSCRIPTS = 'test/e2e/transcripts';
const BOOT_TIMEOUT_MS = 300_000;

/** Whose transcripts are followed, one after the other, on one cluster that is empty at first. */
interface Person {
  readonly who: string;
  /** Name of the folder that is theirs. It lies beside those of the others: a copy to there stands for mail and paper. */
  readonly folder: string;
  readonly transcript: string;
  /** What they have when they begin; the folder is there. */
  prepare(folder: string): Promise<void>;
  /** Variables of their terminal; default: none. */
  environment?(folder: string): Readonly<Record<string, string>>;
}

const PEOPLE: readonly Person[] = [
  {
    who: 'The platform engineer',
    folder: 'platform-engineer',
    transcript: 'platform-engineer.md',
    async prepare(folder) {
      await linkCheckout(folder);
      await copyFile(cluster.controlPlane.kubeconfigPath, join(folder, 'admin.kubeconfig'));
    },
    environment: (folder) => ({
      KUBECONFIG: join(folder, 'admin.kubeconfig'),
      GATEWAY_PORT: String(gatewayPort),
    }),
  },
  {
    who: 'The trainer',
    folder: 'trainer',
    transcript: 'trainer.md',
    prepare: (folder) => copyFile(join(ROOT, TRANSCRIPTS, 'roster.csv'), join(folder, 'roster.csv')),
    environment: (folder) => ({ KUBECONFIG: join(folder, 'chen.kubeconfig') }),
  },
  {
    who: 'A student with a file',
    folder: 'alice',
    transcript: 'student-with-a-file.md',
    prepare: installOpenAI,
  },
  {
    who: 'A student with a sheet',
    folder: 'bob',
    transcript: 'student-with-a-sheet.md',
    async prepare(folder) {
      await installOpenAI(folder);
      await typeFromSheet(join(folder, 'sheet.html'), folder);
    },
  },
];

let home: string;
let binaries: Binaries;
let cluster: DemoCluster;
let gatewayPort: number;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gpu-classroom-people-'));
  for (const { folder } of PEOPLE) await mkdir(join(home, folder));
  binaries = await ensureBinaries(ensureOptionsOf(process));
  cluster = await startTestCluster({ isEmpty: true });
  [gatewayPort = 0] = await freePorts(1);
}, BOOT_TIMEOUT_MS);

afterAll(async () => {
  await cluster?.stop();
  await rm(home, { recursive: true, force: true });
}, 60_000);

/** Where all pods share an address, the gateway cannot be one of them. */
const here = process.platform === 'linux' ? describe : describe.skip;

here.each(PEOPLE)('$who types', ({ folder, transcript, prepare, environment }) => {
  let shell: Shell;

  beforeAll(async () => {
    await prepare(join(home, folder));
    shell = openShell(join(home, folder), binaries);
  }, BOOT_TIMEOUT_MS);

  const steps = readTranscript(join(TRANSCRIPTS, transcript));
  const possible = steps.filter(({ script }) => hasPython() || !script.startsWith('python'));
  test.each(possible)('$title', async ({ script, written, code: wanted }) => {
    const { code, output } = await shell.run(script, environment?.(join(home, folder)));
    const missing = missingLine(written, output);
    if (missing === undefined && code === wanted) return;
    const why = missing === undefined ? `and not with ${wanted}` : `and the transcript says: ${missing}`;
    throw new Error(`${script}\n\nended with ${code}, ${why}\n\n${output}`);
  });
});

/** `npm install openai` without a network: the one of the checkout. */
function installOpenAI(folder: string): Promise<void> {
  return symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}

/** Types what stands in the boxes of a handout into the files that the handout names. */
async function typeFromSheet(sheet: string, folder: string): Promise<void> {
  const page = await readFile(sheet, 'utf8');
  const boxes = [...page.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, text = '']) => asSeen(text));
  const [settings, , , python, node, curl] = boxes;
  const files = { '.env': settings, 'first.py': python, 'first.mjs': node, 'first.sh': curl };
  for (const [name, text = ''] of Object.entries(files)) await writeFile(join(folder, name), `${text}\n`);
}

function asSeen(html: string): string {
  const signs = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
  return Object.entries(signs).reduce((text, [entity, sign]) => text.replaceAll(entity, sign), html);
}
