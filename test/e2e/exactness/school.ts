import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineTap } from '../../support/engine-tap.ts';
import { eventually } from '../../support/eventually.ts';
import { startTappedEngine, type TappedEngine } from '../../support/tapped-engine.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { watchPlaces } from './expectations.ts';
import { MAX_MODEL_LEN, MODEL, staticFile } from './students.ts';

const ENGINE_FLAGS = ['--served-model-name', MODEL, '--max-model-len', String(MAX_MODEL_LEN)];
/** Between two disturbances. */
const REQUESTS_BETWEEN = 80;
/** So many that a kill hits some. */
const RUNNING_AT_LEAST = 4;

/** Engines with taps before them, and the file that leads gateways and students to them. */
export interface School extends AsyncDisposable {
  readonly folder: string;
  readonly classesFile: string;
  readonly engines: readonly TappedEngine[];
  readonly taps: readonly EngineTap[];
  /** The most requests that each student had in the engines at a time. */
  readonly peaks: ReadonlyMap<string, number>;
  /** Resolves when the engines were asked many times more, and are being asked. */
  underWay(): Promise<void>;
  /** Kills the last engine under load and starts it again; resolves when it is asked again. */
  replaceEngine(): Promise<void>;
  /** Resolves when nothing runs in any engine. */
  idle(): Promise<void>;
}

/** Starts as many engines. */
export async function startSchool(engineCount: number): Promise<School> {
  const folder = await temporaryFolder();
  const engines = await Promise.all(
    Array.from({ length: engineCount }, () => startTappedEngine(ENGINE_FLAGS, { speed: 2 })),
  );
  const taps = engines.map(({ tap }) => tap);
  const classesFile = join(folder.path, 'static.yaml');
  const urls = taps.map(({ url }) => url);
  await writeFile(classesFile, staticFile(urls, new Date()));
  const sumOf = (count: (tap: EngineTap) => number): number => taps.reduce((sum, tap) => sum + count(tap), 0);
  const school: School = {
    folder: folder.path,
    classesFile,
    engines,
    taps,
    peaks: watchPlaces(engines),
    async underWay() {
      const target = sumOf(({ requests }) => requests.length) + REQUESTS_BETWEEN;
      await eventually('the engines to be asked', () => {
        const reached = sumOf(({ requests }) => requests.length);
        return reached >= target && sumOf(({ running }) => running.size) >= RUNNING_AT_LEAST;
      });
    },
    async replaceEngine() {
      const dying = engines.at(-1);
      await school.underWay();
      await dying?.kill();
      await school.underWay();
      await dying?.start();
      await eventually('the new engine to be asked', () =>
        dying?.tap.requests.some(({ start }) => start === dying.tap.starts),
      );
    },
    async idle() {
      await eventually('the engines to be idle', async () => {
        const totals = await Promise.all(engines.map((engine) => engine.totals()));
        return totals.every(({ requests }) => requests === 0);
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]()));
      await folder[Symbol.asyncDispose]();
    },
  };
  return school;
}
