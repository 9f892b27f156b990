import { describe, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import { createEngineRegistry } from '../../../../src/gateway/engines/registry.ts';
import { authenticateKey } from '../../../../src/gateway/identity/authenticate.ts';
import { loadStaticFile, parseStaticFile } from '../../../../src/gateway/source/static-file.ts';
import { hashApiKey } from '../../../../src/student/api-key.ts';
import { YamlFaultsError } from '../../../../src/yaml/located.ts';
import { ALICE_KEY, aDirectory, BOB_KEY } from '../builders.ts';

const VALID = `classes:
  - name: python-101
    spec:
      model:
        id: Qwen/Qwen2.5-7B-Instruct
        servedName: qwen
        aliases: [gpt-4o]
      contact: Ms Chen
      schedule: {timeZone: Asia/Shanghai}
      limits:
        perStudent: {concurrentRequests: 3}
    engines:
      - http://127.0.0.1:8000
    students:
      - id: alice
        key: ${ALICE_KEY}
        limits: {maxOutputTokens: 50}
      - id: bob
        keySha256: ${hashApiKey(BOB_KEY)}
`;

function faultsOf(yaml: string): readonly string[] {
  try {
    parseStaticFile(yaml);
  } catch (error) {
    if (error instanceof YamlFaultsError) return error.faults;
    throw error;
  }
  throw new Error('the file was accepted');
}

describe('a static file', () => {
  test('gives classes, students and engines as the API would', () => {
    const directory = aDirectory();
    const engines = createEngineRegistry({
      connect: () => new Agent(),
      monotonic: () => 0,
      random: () => 0,
    });
    loadStaticFile(parseStaticFile(VALID), directory, engines, 1_700_000_000);

    const decision = authenticateKey(ALICE_KEY, directory, 0);
    const seat = decision.ok ? decision.identity.seat : undefined;
    expect(seat).toMatchObject({
      studentId: 'alice',
      limits: { concurrentRequests: 3, maxOutputTokens: 50, requestsPerMinute: 30 },
      classroom: {
        modelNames: ['qwen', 'gpt-4o'],
        adapters: [],
        contact: 'Ms Chen',
        maxModelLen: 4096,
        timeZone: 'Asia/Shanghai',
      },
    });
    expect(authenticateKey(BOB_KEY, directory, 0).ok).toBe(true);
    expect(engines.take(seat?.classroom.key ?? '', { student: 'alice', kvTokens: 1, share: 1 })?.id).toBe(
      'http://127.0.0.1:8000',
    );
  });

  test('has timetables and boosts of class and student', () => {
    const directory = aDirectory();
    const engines = createEngineRegistry({ connect: () => new Agent(), monotonic: () => 0, random: () => 0 });
    const yaml = VALID.replace(
      'schedule: {timeZone: Asia/Shanghai}',
      'schedule: {sessions: [{days: [Mon], start: "09:00", end: "10:00"}]}\n      boost: {factor: 2, until: "2026-12-01T10:00:00Z"}',
    ).replace(
      'limits: {maxOutputTokens: 50}',
      'limits: {maxOutputTokens: 50}\n        boost: {factor: 3, until: "2026-11-30T09:30:00Z"}',
    );
    loadStaticFile(parseStaticFile(yaml), directory, engines, 0);
    const limitAt = (instant: string) => {
      const decision = authenticateKey(ALICE_KEY, directory, Date.parse(instant));
      return decision.ok ? decision.identity.seat.limits.concurrentRequests : decision.refusal.code;
    };
    expect(limitAt('2026-11-30T08:59:59Z')).toBe('outside_session');
    expect(limitAt('2026-11-30T09:00:00Z')).toBe(9);
    expect(limitAt('2026-11-30T09:30:00Z')).toBe(6);
  });

  test.each<[string, (yaml: string) => string, RegExp[]]>([
    ['no YAML', () => 'classes: [', [/^line 1: .*not valid YAML/]],
    ['no classes', () => '{}', [/^line 1: classes: /]],
    [
      'a field nobody knows',
      (yaml) => yaml.replace('contact:', 'contatc:'),
      [/^line \d+: classes\[0\]\.spec: .*contatc/],
    ],
    [
      'a field of the model nobody knows',
      (yaml) => yaml.replace('servedName: qwen', 'servdName: qwen'),
      [/^line 5: classes\[0\]\.spec\.model: .*servdName/],
    ],
    [
      'an engine that is no URL',
      (yaml) => yaml.replace('http://127.0.0.1:8000', '127.0.0.1:8000'),
      [/^line 13: classes\[0\]\.engines\[0\]: must be a URL/],
    ],
    [
      'a limit below one',
      (yaml) => yaml.replace('concurrentRequests: 3', 'concurrentRequests: 0'),
      [/^line 11: .*concurrentRequests/],
    ],
    [
      'a time zone that nobody knows',
      (yaml) => yaml.replace('Asia/Shanghai', 'Mars/Olympus'),
      [/^line 9: classes\[0\]\.spec\.schedule\.timeZone: is not an IANA time zone/],
    ],
    [
      'a class that would never be open',
      (yaml) => yaml.replace('{timeZone: Asia/Shanghai}', '{outsideSessions: Closed}'),
      [/^line 9: classes\[0\]\.spec\.schedule\.sessions: must not be empty/],
    ],
    [
      'a session that never ends',
      (yaml) =>
        yaml.replace(
          '{timeZone: Asia/Shanghai}',
          '{sessions: [{days: [Mon], start: "09:00", end: "09:00"}]}',
        ),
      [/^line 9: classes\[0\]\.spec\.schedule\.sessions\[0\]\.end: must differ from "start"/],
    ],
    [
      'a date twice',
      (yaml) =>
        yaml.replace(
          '{timeZone: Asia/Shanghai}',
          '{outsideSessions: Open, exceptions: [{date: "2026-12-25", closed: true}, {date: "2026-12-25", closed: true}]}',
        ),
      [/^line 9: classes\[0\]\.spec\.schedule\.exceptions: must not have a date twice/],
    ],
    [
      'an exception that is none',
      (yaml) => yaml.replace('{timeZone: Asia/Shanghai}', '{exceptions: [{date: "2026-12-25"}]}'),
      [/^line 9: classes\[0\]\.spec\.schedule\.exceptions\[0\]: must have either/],
    ],
    [
      'a boost that does nothing',
      (yaml) =>
        yaml.replace(
          '      contact: Ms Chen',
          '      boost: {factor: 1, until: "2026-12-01T10:00:00Z"}\n      contact: Ms Chen',
        ),
      [/^line \d+: classes\[0\]\.spec\.boost\.factor: /],
    ],
    [
      'a student without a key',
      (yaml) => yaml.replace(/ {8}keySha256: .*\n/, ''),
      [/^line 18: classes\[0\]\.students\[1\]: must have either "key" or "keySha256"/],
    ],
    [
      'a key with a typing error',
      (yaml) => yaml.replace(ALICE_KEY, `${ALICE_KEY.slice(0, -1)}_`),
      [/^line 16: classes\[0\]\.students\[0\]\.key: is not a key/],
    ],
    [
      'two students with one key',
      (yaml) => yaml.replace(/keySha256: .*/, `key: ${ALICE_KEY}`),
      [/^line 19: classes\[0\]\.students\[1\]\.key: repeats a key/],
    ],
    [
      'two students of one name',
      (yaml) => yaml.replace('id: bob', 'id: alice'),
      [/^line 18: .*repeats a student id/],
    ],
    [
      'several faults at once',
      (yaml) => yaml.replace('http://', 'ftp://').replace('concurrentRequests: 3', 'concurrentRequests: x'),
      [/concurrentRequests/, /engines\[0\]/],
    ],
  ])('%s is named with line and field', (_, change, wants) => {
    const faults = faultsOf(change(VALID));
    expect(faults).toHaveLength(wants.length);
    wants.forEach((want, index) => {
      expect(faults[index]).toMatch(want);
    });
  });

  test('keeps a student apart from one whose class and id join to the same text', () => {
    const twoClasses = `classes:
  - {name: a, spec: {model: {id: org/m}}, engines: ['http://127.0.0.1:8000'], students: [{id: b-c, key: ${ALICE_KEY}}]}
  - {name: a-b, spec: {model: {id: org/m}}, engines: ['http://127.0.0.1:8001'], students: [{id: c, key: ${BOB_KEY}}]}
`;
    const directory = aDirectory();
    const engines = createEngineRegistry({
      connect: () => new Agent(),
      monotonic: () => 0,
      random: () => 0,
    });
    loadStaticFile(parseStaticFile(twoClasses), directory, engines, 0);

    expect(authenticateKey(ALICE_KEY, directory, 0)).toMatchObject({
      identity: { seat: { studentId: 'b-c' } },
    });
    expect(authenticateKey(BOB_KEY, directory, 0)).toMatchObject({ identity: { seat: { studentId: 'c' } } });
  });

  test('no fault quotes a key', () => {
    const broken = `${ALICE_KEY.slice(0, -1)}_`;
    expect(faultsOf(VALID.replace(ALICE_KEY, broken)).join()).not.toContain(ALICE_KEY.slice(4, 20));
    expect(faultsOf(`${VALID}        ${ALICE_KEY}`).join()).not.toContain(ALICE_KEY.slice(4, 20));
  });
});
