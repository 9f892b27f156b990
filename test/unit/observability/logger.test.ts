import { describe, expect, test } from '@jest/globals';
import { createLogger, type LogLevel } from '../../../src/observability/logger.ts';
import { API_KEY_RANDOM_BYTES, generateApiKey } from '../../../src/student/api-key.ts';

const KEY = generateApiKey(new Uint8Array(API_KEY_RANDOM_BYTES).fill(7));
const ENCODED_KEY = Buffer.from(KEY).toString('base64');
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';

/** What is written when `write` logs. */
function linesOf(write: (log: ReturnType<typeof createLogger>) => void, level: LogLevel = 'debug'): string[] {
  const lines: string[] = [];
  write(createLogger({ name: 'test', level, destination: { write: (line) => void lines.push(line) } }));
  return lines;
}

const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'python-101-alice-api-key' },
  data: { OPENAI_API_KEY: ENCODED_KEY },
};

describe('no line holds a key, whatever is logged', () => {
  test.each<[string, object, string]>([
    ['a Secret', secret, 'seen'],
    ['a Secret deep within', { list: { items: [{ object: secret }] } }, 'seen'],
    ['a Secret with text', { secret: { stringData: { OPENAI_API_KEY: KEY } } }, 'seen'],
    ['the key in a field', { note: `the key ${KEY} was refused` }, 'seen'],
    ['the key in the message', {}, `made ${KEY}`],
    ['the encoded key in a field of another name', { patch: [{ value: ENCODED_KEY }] }, 'seen'],
    ['an error that quotes the key', { err: new Error(`webhook: ${KEY}`) }, 'seen'],
    ['a nested error that quotes the key', { cause: { failure: new Error(KEY) } }, 'seen'],
  ])('%s', (_, fields, message) => {
    const [line = ''] = linesOf((log) => log.info(fields, message));
    expect(line).not.toContain(KEY);
    expect(line).not.toContain(ENCODED_KEY);
    expect(line).not.toContain(KEY.slice(4, 30));
    expect(JSON.parse(line)).toMatchObject({ level: 'info', name: 'test' });
  });

  test('nor does one of a child logger', () => {
    const [line = ''] = linesOf((log) => log.child({ apiKey: KEY }).warn({}, 'seen'));
    expect(line).not.toContain(KEY);
  });

  test('without redaction it would: the test can fail', () => {
    expect(JSON.stringify(secret)).toContain(ENCODED_KEY);
  });
});

describe('tokens', () => {
  test.each([
    ['a header', { headers: { Authorization: 'Bearer abc.def-ghi' } }, 'abc.def-ghi'],
    ['a header in a text', { error: 'refused: Authorization: Bearer abcdefghijkl' }, 'abcdefghijkl'],
    ['a ServiceAccount token', { note: `mounted ${JWT}` }, JWT],
  ])('%s is not written', (_, fields, text) => {
    const [line] = linesOf((log) => log.info(fields, 'seen'));
    expect(line).not.toContain(text);
  });
});

test('what is no secret is kept', () => {
  const sha256 = 'a'.repeat(64);
  const [line = ''] = linesOf((log) =>
    log.info({ key: 'room/alice', sha256, secretName: 'alice-api-key' }, 'Made'),
  );
  expect(JSON.parse(line)).toEqual({
    level: 'info',
    name: 'test',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    key: 'room/alice',
    sha256,
    secretName: 'alice-api-key',
    msg: 'Made',
  });
});

test('lines below the level are not written', () => {
  expect(linesOf((log) => log.info({}, 'seen'), 'warn')).toEqual([]);
});
