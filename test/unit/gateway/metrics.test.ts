import { afterEach, expect, test } from '@jest/globals';
import type { SeatRecord } from '../../../src/gateway/identity/seat.ts';
import { hashApiKey } from '../../../src/student/api-key.ts';
import { aSeat, keyNumber } from './builders.ts';
import { askJson, CHAT, startWorld, type World } from './gateway-world.ts';
import { answerWell, type ScriptedEngine, startScriptedEngine } from './scripted-engine.ts';

let engine: ScriptedEngine;
let world: World;

afterEach(async () => {
  await world.stop();
  await engine.close();
});

function seatNumber(number: number): SeatRecord {
  return aSeat({
    key: `school/python-101-student-${number}`,
    studentId: `student-${number}`,
    keys: [{ sha256: hashApiKey(keyNumber(number)) }],
  });
}

async function seriesAfter(students: number): Promise<string[]> {
  for (let number = 1; number <= students; number++) {
    const { status } = await askJson(world, CHAT, { key: keyNumber(number) });
    expect(status).toBe(200);
  }
  const text = await world.gateway.metrics.text();
  return text.split('\n').filter((line) => !line.startsWith('#') && !line.startsWith('nodejs_gc'));
}

test('the number of series does not grow with the students, and none names one', async () => {
  engine = await startScriptedEngine(answerWell);
  const seats = Array.from({ length: 200 }, (_, index) => seatNumber(index + 1));
  world = await startWorld({ engines: [engine.url], seats });
  const few = await seriesAfter(1);
  const many = await seriesAfter(30);
  const names = (lines: string[]) => lines.map((line) => line.replace(/ [^ ]+$/, ''));
  expect(names(many)).toEqual(names(few));
  expect(many.join('\n')).not.toMatch(/student|alice|gpc_/);
  expect(many).toContainEqual(expect.stringMatching(/^gpu_classroom_gateway_seats 200$/));
});

test('two scrapes at a time share one text', async () => {
  engine = await startScriptedEngine(answerWell);
  world = await startWorld({ engines: [engine.url] });
  const { metrics } = world.gateway;
  const [one, other] = await Promise.all([metrics.text(), metrics.text()]);
  expect(one).toBe(other);
});

test('what is late, and what runs, can be seen', async () => {
  engine = await startScriptedEngine(answerWell);
  world = await startWorld({ engines: [engine.url] });
  const text = await world.gateway.metrics.text();
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m);
  expect(text).toMatch(/^gpu_classroom_gateway_build_info\{version="\d+\.\d+\.\d+",node="v\d+\..*"\} 1$/m);
});
