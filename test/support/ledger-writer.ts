import { writeSync } from 'node:fs';
import { openLedgerFile } from '../../src/gateway/ledger/database.ts';
import { LedgerFileError } from '../../src/gateway/ledger/errors.ts';
import { createLedger } from '../../src/gateway/ledger/ledger.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { silentLogger } from '../../src/kube/log.ts';

/**
 * A process that books requests of Alice for as long as it lives, many at once, and writes down each promise that the
 * ledger kept: `admitted <lease>` and `settled <lease>`. Every third request goes on running.
 */
const STUDENT = { classroomKey: 'school/python-101', studentId: 'alice' };
const DAY = '2026-09-01';
const AT_ONCE = 8;

const [path = '', name = ''] = process.argv.slice(2);

function say(line: string): void {
  // Not process.stdout: what that still holds is lost with the process.
  writeSync(1, `${line}\n`);
}

async function book(ledger: ReturnType<typeof createLedger>, worker: number): Promise<never> {
  for (let number = 0; ; number++) {
    const id = `${name}-${worker}-${number}`;
    const now = Date.now();
    const state = {
      ...STUDENT,
      requestTatMs: now,
      tokens: 0,
      tokensAtMs: now,
      day: DAY,
      dayTokens: number,
      totalTokens: number,
    };
    const shared = { ...STUDENT, model: 'qwen', day: DAY };
    const reserved = { expectedPromptTokens: 10, studentReserved: 20, classroomReserved: 20 };
    await ledger.admitted({ id, ...shared, ...reserved, admittedMs: now }, [state]);
    say(`admitted ${id}`);
    if (number % 3 === 2) continue;
    const tokens = { promptTokens: 10, cachedTokens: 0, completionTokens: 5 };
    const waits = { queueWaitMs: 0, firstTokenMs: 1 };
    const entry = { endedMs: now, ...shared, outcome: 'completed' as const, ...tokens, ...waits };
    await ledger.settled(id, [state], entry);
    say(`settled ${id}`);
  }
}

try {
  const ledger = createLedger({ file: openLedgerFile(path), clock: systemClock, log: silentLogger });
  await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => book(ledger, worker)));
} catch (error) {
  if (!(error instanceof LedgerFileError)) throw error;
  say(error.message);
}
