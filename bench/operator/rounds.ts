import type { Binaries } from '../../src/demo/binaries/versions.ts';
import { withSchool } from './cluster.ts';
import type { BenchOptions } from './options.ts';
import { countOf, type Made, whatWasMade } from './replay.ts';
import { measureRestart, type Restart } from './restart.ts';
import type { School } from './school.ts';
import { measureBareLoop, measureOperator, type Work } from './work.ts';

/** Operator and bare loop side by side, each on a cluster of its own. */
export interface Round {
  operator: Work;
  bareLoop: Work;
  restart: Restart;
  /** Objects made and statuses written. */
  objects: number;
}

/** Each controller has its workers, and the loop as many as both together. */
const CONTROLLERS = 2;

/**
 * Measures round after round. From the second on the loop goes first in every other round, so that neither always
 * finds the machine as the other left it.
 */
export async function measureRounds(
  binaries: Binaries,
  options: BenchOptions,
  report: (step: string) => void,
): Promise<Round[]> {
  const { workers, watchSeconds, profile } = options;
  const school: School = {
    namespace: 'school',
    classes: options.classes,
    studentsPerClass: options.students,
  };
  const operate = () =>
    withSchool(binaries, school, async (cluster) => {
      const operator = await measureOperator(cluster, workers, profile);
      report(`operator: ${describe(operator)}`);
      const made = await whatWasMade(cluster.client, school.namespace);
      const restart = await measureRestart(cluster, workers, watchSeconds);
      report(`restart: everything looked at after ${restart.secondsToFullPass.toFixed(1)} s`);
      return { operator, made, restart };
    });
  const loop = (made: Made) =>
    withSchool(binaries, school, async (cluster) => {
      const bareLoop = await measureBareLoop(cluster, made, CONTROLLERS * workers);
      report(`bare loop: ${describe(bareLoop)}`);
      return bareLoop;
    });

  const rounds: Round[] = [];
  let lastMade: Made | undefined;
  for (let number = 1; number <= options.rounds; number++) {
    report(`round ${number} of ${options.rounds}`);
    const loopFirst = number % 2 === 0 && lastMade !== undefined ? await loop(lastMade) : undefined;
    const { operator, made, restart } = await operate();
    const bareLoop = loopFirst ?? (await loop(made));
    rounds.push({ operator, bareLoop, restart, objects: countOf(made) });
    lastMade = made;
  }
  return rounds;
}

function describe({ seconds, cpuSeconds, peakMiB, writes }: Work): string {
  return `${seconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s, ${peakMiB.toFixed(0)} MiB, ${writes.total} writes`;
}
