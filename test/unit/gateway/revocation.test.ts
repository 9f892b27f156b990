import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { scheduleSchema } from '../../../src/api/schedule.ts';
import type { Directory } from '../../../src/gateway/identity/directory.ts';
import type { ClassroomRecord } from '../../../src/gateway/identity/seat.ts';
import { hashApiKey } from '../../../src/student/api-key.ts';
import { eventually } from '../../support/eventually.ts';
import { ALICE_KEY, aClassroom, aClassroomLimiting, aSeat, BOB_KEY, keyNumber } from './builders.ts';
import { type Answer, ask, askJson, CHAT, STREAM, startWorld, type World } from './gateway-world.ts';
import {
  beginStream,
  DONE_FRAME,
  type ScriptedEngine,
  startScriptedEngine,
  tokenFrame,
} from './scripted-engine.ts';

let world: World;
let engine: ScriptedEngine;

beforeEach(async () => {
  engine = await startScriptedEngine(({ body, response }) => {
    if (body.stream !== true) return;
    beginStream(response);
    response.write(tokenFrame('a'));
  });
  world = await startWorld({ engines: [engine.url] });
});

afterEach(async () => {
  await world.stop();
  await engine.close();
});

async function firstToken(answer: Answer): Promise<Answer> {
  await eventually('the first token', () => answer.text.includes(tokenFrame('a')));
  return answer;
}

function lastError(answer: Answer) {
  return JSON.parse(answer.text.trim().split('\n\n').at(-1)?.replace('data: ', '') ?? '').error;
}

type Change = (directory: Directory) => void;

const EXAM_OF_BOB = { students: ['bob'], maxOutputTokens: 512, allowAdapters: false, allowTools: false };

const ending: [string, Change, string][] = [
  ['the seat is removed', (directory) => directory.removeSeat(aSeat().key), 'invalid_api_key'],
  ['the seat is suspended', (directory) => directory.putSeat(aSeat({ suspended: true })), 'seat_suspended'],
  ['the seat ends', (directory) => directory.putSeat(aSeat({ expiresAtMs: 1 })), 'seat_expired'],
  [
    'the key is taken away',
    (directory) => directory.putSeat(aSeat({ keys: [{ sha256: hashApiKey(keyNumber(9)) }] })),
    'invalid_api_key',
  ],
  ['the class is deleted', (directory) => directory.removeClassroom(aClassroom().key), 'class_not_found'],
];

describe('while an answer streams', () => {
  test.each(ending)('%s: it ends with an error event and the engine stops', async (_, change, code) => {
    const alices = await firstToken(await ask(world, STREAM));
    const bobs = await firstToken(await ask(world, STREAM, { key: BOB_KEY }));

    change(world.gateway.directory);

    await alices.over;
    expect(alices.ended).toBe(true);
    expect(lastError(alices).code).toBe(code);
    await eventually('the engine sees it', () => engine.calls[0]?.cancelled);
    if (code !== 'class_not_found') {
      engine.calls[1]?.response.end(DONE_FRAME);
      await bobs.over;
      expect(bobs.text).toBe(tokenFrame('a') + DONE_FRAME);
    }
    bobs.leave();
    await eventually('nothing runs', () => world.gateway.requestsInFlight === 0);
    expect(world.admission.running).toBe(0);
  });

  const harmless: [string, Change][] = [
    ['the class closes', (directory) => directory.putClassroom(aClassroom({ access: 'Closed' }))],
    ['limits change', (directory) => directory.putClassroom(aClassroomLimiting({ concurrentRequests: 1 }))],
    [
      'the key is replaced',
      (directory) => directory.putSeat(aSeat({ keys: [{ sha256: hashApiKey(ALICE_KEY), expiresAtMs: 1 }] })),
    ],
    ['the seat is published again', (directory) => directory.putSeat(aSeat({ weight: 2 }))],
  ];

  test.each(harmless)('%s: it goes on to its end', async (_, change) => {
    const answer = await firstToken(await ask(world, STREAM));
    change(world.gateway.directory);
    engine.calls[0]?.response.end(tokenFrame('b') + DONE_FRAME);
    await answer.over;
    expect(answer.text).toBe(tokenFrame('a') + tokenFrame('b') + DONE_FRAME);
  });

  test('new limits hold for the next request, while the answer that runs goes on', async () => {
    const answer = await firstToken(await ask(world, STREAM));
    world.gateway.directory.putClassroom(aClassroomLimiting({ concurrentRequests: 1 }));
    const next = await askJson(world, CHAT);
    expect([next.status, next.body.error.code]).toEqual([429, 'concurrent_requests_exceeded']);
    engine.calls[0]?.response.end(DONE_FRAME);
    await answer.over;
    expect(answer.text).toBe(tokenFrame('a') + DONE_FRAME);
  });

  const notServed: [string, Change, string][] = [
    [
      'a class that is closed by hand',
      (directory) => directory.putClassroom(aClassroom({ access: 'Closed' })),
      'class_closed',
    ],
    [
      'an exam without the student',
      (directory) => directory.putClassroom(aClassroom({ access: 'Exam', exam: EXAM_OF_BOB })),
      'not_in_exam',
    ],
  ];

  test.each(notServed)('%s ends what no engine has yet', async (_, change, code) => {
    const idle = await startWorld({ queueBounds: { engineWaitMs: 600_000 } });
    const asked = askJson(idle, CHAT);
    await eventually('it waits', () => idle.gateway.requestsInFlight === 1);
    change(idle.gateway.directory);
    const { status, body } = await asked;
    expect([status, body.error.code]).toEqual([403, code]);
    await idle.stop();
  });

  /** Alice asks for an answer of 900 tokens, and waits for an engine while what is said of the class changes. */
  async function whileAliceWaits(before: ClassroomRecord, after: ClassroomRecord) {
    const cold = await startWorld({ classroom: before, queueBounds: { engineWaitMs: 600_000 } });
    const asked = askJson(cold, { ...CHAT, max_tokens: 900 });
    await eventually('it waits', () => cold.gateway.requestsInFlight === 1);
    cold.gateway.directory.putClassroom(after);
    cold.gateway.engines.put({ id: 'one', classroomKey: after.key, origin: engine.url });
    return { asked, cold };
  }

  const inExam = (differs: object = {}) =>
    aClassroom({ access: 'Exam', exam: { ...EXAM_OF_BOB, students: [], ...differs } });

  test.each([
    ['an exam that begins', aClassroom(), inExam()],
    ['new rules of an exam', inExam({ maxOutputTokens: 1_000 }), inExam()],
  ])(
    '%s sends back what waits: no engine sees a request that goes by other rules',
    async (_, before, after) => {
      const { asked, cold } = await whileAliceWaits(before, after);
      const { status, headers, body } = await asked;
      expect([status, headers['retry-after'], body.error.code]).toEqual([503, '1', 'exam_began']);
      expect(engine.calls).toEqual([]);
      expect(cold.admission.running).toBe(0);
      await cold.stop();
    },
  );

  test.each([
    [
      'one more on the list of an exam',
      inExam({ students: ['alice'] }),
      inExam({ students: ['alice', 'bob'] }),
    ],
    ['the end of an exam', inExam(), aClassroom({ exam: EXAM_OF_BOB })],
    ['an exam that is prepared', aClassroom(), aClassroom({ exam: EXAM_OF_BOB })],
  ])('%s leaves what waits where it is', async (_, before, after) => {
    const { asked, cold } = await whileAliceWaits(before, after);
    await eventually('the engine is asked', () => engine.calls.length === 1);
    await cold.stop();
    expect((await asked).body.error.code).toBe('gateway_stopping');
  });

  test('the end of a session, also one that a trainer moves, ends nothing that came in time', async () => {
    const answer = await firstToken(await ask(world, STREAM));
    const schedule = scheduleSchema.parse({ exceptions: [{ date: '2000-01-01', closed: true }] });
    world.gateway.directory.putClassroom(aClassroom({ schedule }));
    const next = await askJson(world, CHAT);
    expect([next.status, next.body.error.code]).toEqual([403, 'outside_session']);
    engine.calls[0]?.response.end(DONE_FRAME);
    await answer.over;
    expect(answer.text).toBe(tokenFrame('a') + DONE_FRAME);
  });

  test('an answer that has not begun ends with the status itself', async () => {
    const asked = askJson(world, CHAT);
    await eventually('the engine is asked', () => engine.calls.length === 1);
    world.gateway.directory.putSeat(aSeat({ suspended: true }));
    const { status, body } = await asked;
    expect([status, body.error.code]).toEqual([403, 'seat_suspended']);
  });
});

describe('the next request', () => {
  test.each(ending)('is refused at once when %s', async (_, change, code) => {
    change(world.gateway.directory);
    expect((await askJson(world, CHAT)).body.error.code).toBe(code);
    expect(engine.calls).toEqual([]);
  });
});

describe('a shutdown', () => {
  test('lets a running answer end, and takes no new connection', async () => {
    const answer = await firstToken(await ask(world, STREAM));
    const stopping = world.stop(60_000);
    await eventually('no new connection', () =>
      ask(world, CHAT).then(
        () => false,
        () => true,
      ),
    );
    engine.calls[0]?.response.end(DONE_FRAME);
    await answer.over;
    expect(answer.text).toBe(tokenFrame('a') + DONE_FRAME);
    await stopping;
  });

  test('tells the reader of an answer that lasts longer than the grace', async () => {
    const answer = await firstToken(await ask(world, STREAM));
    await world.stop(0);
    await answer.over;
    expect(lastError(answer).code).toBe('gateway_stopping');
  });
});
