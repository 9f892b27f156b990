import { seededRandom } from '../../support/seeded-random.ts';
import type { Program, School } from './school.ts';
import type { OpenStream } from './students.ts';

/** What happens to operator and gateway while a week is played. */
export interface Disturbance {
  /** At a moment between two requests. */
  atMoment(what: string): Promise<void>;
  /** While a request is held for want of an engine. */
  nextHold(): Hold;
  /** While an answer comes; true: the gateway was killed. */
  inAnswer(stream: OpenStream): Promise<boolean>;
  /** From now on nothing happens. */
  pause(): void;
  goOn(): void;
}

export interface Hold {
  readonly onHeartbeat: (count: number) => void;
  /** Whether the gateway was killed since this was asked last. */
  takeKill(): boolean;
}

/** Nothing. */
export const UNDISTURBED: Disturbance = {
  atMoment: () => Promise.resolve(),
  nextHold: () => ({ onHeartbeat() {}, takeKill: () => false }),
  inAnswer: () => Promise.resolve(false),
  pause() {},
  goOn() {},
};

/** `kill -9` at random. */
export interface Kills extends Disturbance {
  /** In words. */
  readonly told: readonly string[];
}

const MOST_WRITES = 4;
const MOST_HEARTBEATS = 4;
const MOST_PIECES = 20;

/**
 * Kills operator and gateway at random moments and starts them again: as time is about to move, when it has just moved
 * and they are about to act, and the operator also right after one of its next writes, before it hears the answer.
 * The gateway is killed with requests of one student alone: in one that is held, and in the middle of an answer.
 */
export function randomKills(seed: number, { operator, gateway, proxy }: School): Kills {
  const random = seededRandom(seed);
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  const told: string[] = [];
  let isPaused = false;
  const kill = (who: string, program: Program, when: string): void => {
    told.push(`${who} ${when}`);
    program.crash();
  };
  const disarm = (): void =>
    proxy.crashAfterWrite(
      () => false,
      () => {},
    );
  const killAfterWrite = (when: string): void => {
    const from = proxy.writes.length;
    const nth = upTo(MOST_WRITES);
    proxy.crashAfterWrite(
      (writes) => writes.length >= from + nth,
      () => kill('operator', operator, `after write ${nth} from ${when}`),
    );
  };
  return {
    told,
    async atMoment(when) {
      const chance = random();
      if (isPaused) return;
      if (chance < 0.15) kill('operator', operator, when);
      else if (chance < 0.3) kill('gateway', gateway, when);
      else if (chance < 0.45) killAfterWrite(when);
    },
    nextHold() {
      const nth = upTo(MOST_HEARTBEATS);
      let kills = 0;
      let isNew = false;
      return {
        onHeartbeat(count) {
          if (kills > 0 || count < nth) return;
          kills += 1;
          isNew = true;
          kill('gateway', gateway, `at heartbeat ${count} of a request that was held`);
        },
        takeKill() {
          const was = isNew;
          isNew = false;
          return was;
        },
      };
    },
    async inAnswer(stream) {
      const pieces = upTo(MOST_PIECES);
      await stream.pieces(pieces);
      kill('gateway', gateway, `after ${pieces} pieces of an answer`);
      return true;
    },
    pause() {
      isPaused = true;
      disarm();
    },
    goOn() {
      isPaused = false;
    },
  };
}
