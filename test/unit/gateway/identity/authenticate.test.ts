import { describe, expect, test } from '@jest/globals';
import type { ErrorCode } from '../../../../src/gateway/errors.ts';
import type { ClassroomRecord, SeatRecord } from '../../../../src/gateway/identity/seat.ts';
import { hashApiKey } from '../../../../src/student/api-key.ts';
import { ALICE_KEY, aClassroom, aDirectory, aSeat, BOB_KEY } from '../builders.ts';
import { aSignIn, requestWith } from './sign-ins.ts';

const NOW_MS = Date.parse('2026-11-23T10:00:00Z');
const EXAM = { students: ['bob'], maxOutputTokens: 200, allowAdapters: false, allowTools: false };

/** An exam for all. */
function inExamSince(examSinceMs: number | undefined): ClassroomRecord {
  return aClassroom({ access: 'Exam', exam: { ...EXAM, students: [] }, examSinceMs });
}

interface Case {
  name: string;
  header?: string | undefined;
  classroom?: ClassroomRecord | 'none';
  seat?: SeatRecord | 'none';
  want: ErrorCode | 'accepted';
  wantMessage?: RegExp;
}

const typo = `${ALICE_KEY.slice(0, 20)}${ALICE_KEY[20] === 'x' ? 'y' : 'x'}${ALICE_KEY.slice(21)}`;

const cases: Case[] = [
  { name: 'a key of a seat in an open class is accepted', want: 'accepted' },
  { name: 'the scheme may be written in lower case', header: `bearer ${ALICE_KEY}`, want: 'accepted' },
  { name: 'no header', header: undefined, want: 'missing_api_key', wantMessage: /OPENAI_API_KEY/ },
  { name: 'an empty header', header: '', want: 'missing_api_key' },
  { name: 'a scheme without a key', header: 'Bearer ', want: 'missing_api_key' },
  { name: 'another scheme', header: 'Basic YTpi', want: 'missing_api_key' },
  {
    name: 'a key of OpenAI',
    header: 'Bearer sk-proj-123',
    want: 'malformed_api_key',
    wantMessage: /does not begin with gpc_/,
  },
  {
    name: 'a key that was cut while copying',
    header: `Bearer ${ALICE_KEY.slice(0, -3)}`,
    want: 'malformed_api_key',
    wantMessage: /too short/,
  },
  {
    name: 'a key with a typing error',
    header: `Bearer ${typo}`,
    want: 'malformed_api_key',
    wantMessage: /typing error/,
  },
  { name: 'two keys in one header', header: `Bearer ${ALICE_KEY}, ${BOB_KEY}`, want: 'malformed_api_key' },
  { name: 'a well-formed key of nobody', header: `Bearer ${BOB_KEY}`, want: 'invalid_api_key' },
  { name: 'the key of a removed seat', seat: 'none', want: 'invalid_api_key' },
  {
    name: 'a key that a rotation has outdated',
    seat: aSeat({ keys: [{ sha256: hashApiKey(ALICE_KEY), expiresAtMs: NOW_MS }] }),
    want: 'expired_api_key',
    wantMessage: /new key.*Ask Ms Chen, room 214/,
  },
  {
    name: 'a replaced key within its overlap is accepted',
    seat: aSeat({ keys: [{ sha256: hashApiKey(ALICE_KEY), expiresAtMs: NOW_MS + 1 }] }),
    want: 'accepted',
  },
  {
    name: 'a replaced key whose overlap ended in the exam that runs',
    classroom: inExamSince(NOW_MS - 1),
    seat: aSeat({ keys: [{ sha256: hashApiKey(ALICE_KEY), expiresAtMs: NOW_MS }] }),
    want: 'accepted',
  },
  {
    name: 'one whose overlap ended before the exam, and that the operator did not come to take away,',
    classroom: inExamSince(NOW_MS - 1),
    seat: aSeat({ keys: [{ sha256: hashApiKey(ALICE_KEY), expiresAtMs: NOW_MS - 1 }] }),
    want: 'expired_api_key',
  },
  {
    name: 'one whose overlap ended, in an exam of which nobody knows when it began,',
    classroom: inExamSince(undefined),
    seat: aSeat({ keys: [{ sha256: hashApiKey(ALICE_KEY), expiresAtMs: NOW_MS }] }),
    want: 'expired_api_key',
  },
  {
    name: 'one whose overlap still runs, in an exam that began by a clock ahead of ours,',
    classroom: inExamSince(NOW_MS + 60_000),
    seat: aSeat({ keys: [{ sha256: hashApiKey(ALICE_KEY), expiresAtMs: NOW_MS + 1 }] }),
    want: 'accepted',
  },
  {
    name: 'in an exam, a key that is not listed any more, as one that was revoked,',
    classroom: aClassroom({ access: 'Exam', exam: { ...EXAM, students: [] } }),
    seat: aSeat({ keys: [{ sha256: hashApiKey(BOB_KEY) }] }),
    want: 'invalid_api_key',
  },
  {
    name: 'a seat that ended',
    seat: aSeat({ expiresAtMs: NOW_MS - 1 }),
    want: 'seat_expired',
    wantMessage: /2026-11-23T09:59:59/,
  },
  {
    name: 'a suspended seat',
    seat: aSeat({ suspended: true }),
    want: 'seat_suspended',
    wantMessage: /Ms Chen/,
  },
  {
    name: 'a seat that ended, in an exam',
    classroom: inExamSince(NOW_MS - 2),
    seat: aSeat({ expiresAtMs: NOW_MS - 1 }),
    want: 'seat_expired',
  },
  {
    name: 'a suspended seat in an exam',
    classroom: inExamSince(NOW_MS - 2),
    seat: aSeat({ suspended: true }),
    want: 'seat_suspended',
  },
  { name: 'a seat before its class', classroom: 'none', want: 'class_not_found', wantMessage: /python-101/ },
  { name: 'a closed class', classroom: aClassroom({ access: 'Closed' }), want: 'class_closed' },
  {
    name: 'an exam without the student',
    classroom: aClassroom({ access: 'Exam', exam: EXAM }),
    want: 'not_in_exam',
  },
  {
    name: 'an exam with the student',
    classroom: aClassroom({ access: 'Exam', exam: { ...EXAM, students: ['alice'] } }),
    want: 'accepted',
  },
  {
    name: 'an exam for all',
    classroom: aClassroom({ access: 'Exam', exam: { ...EXAM, students: [] } }),
    want: 'accepted',
  },
];

describe('who may use the gateway', () => {
  test.each(cases)('$name: $want', async ({ classroom, seat, want, wantMessage, ...given }) => {
    const directory = aDirectory();
    if (classroom !== 'none') directory.putClassroom(classroom ?? aClassroom());
    if (seat !== 'none') directory.putSeat(seat ?? aSeat());
    const header = 'header' in given ? given.header : `Bearer ${ALICE_KEY}`;

    const decision = await aSignIn({ directory, nowMs: NOW_MS })(requestWith(header));

    expect(decision.ok ? 'accepted' : decision.refusal.code).toBe(want);
    if (!decision.ok) expect(decision.refusal.message).toMatch(wantMessage ?? /./);
  });

  test('no refusal repeats the key', async () => {
    const directory = aDirectory();
    for (const key of [ALICE_KEY, typo, 'sk-secret-of-another-service']) {
      const decision = await aSignIn({ directory, nowMs: NOW_MS })(requestWith(`Bearer ${key}`));
      expect(JSON.stringify(decision)).not.toContain(key);
    }
  });
});
