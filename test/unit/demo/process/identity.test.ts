import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import {
  identify,
  isRunning,
  type ProcessIdentity,
  parseIdentity,
  signalProcess,
} from '../../../../src/demo/process/identity.ts';

function sleeper(): { readonly child: ChildProcess; readonly identity: ProcessIdentity } {
  const child = spawn('sleep', ['60']);
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('the child did not start');
  return { child, identity };
}

describe('a process recognised by pid and start time', () => {
  test('is the same as long as it runs', () => {
    const self = identify(process.pid);
    expect(self).toBeDefined();
    expect(identify(process.pid)).toEqual(self);
  });

  test('is gone after it was killed', async () => {
    const { child, identity } = sleeper();
    expect(isRunning(identity)).toBe(true);
    const exit = once(child, 'exit');
    signalProcess(identity, 'SIGKILL');
    expect(await exit).toEqual([null, 'SIGKILL']);
    expect(isRunning(identity)).toBe(false);
    expect(() => signalProcess(identity, 'SIGKILL')).not.toThrow();
  });

  test('is not mistaken for the new owner of its pid', async () => {
    const { child, identity } = sleeper();
    const former = { ...identity, startedAt: 'before' };
    expect(isRunning(former)).toBe(false);
    signalProcess(former, 'SIGKILL');
    // The stranger lives: it is the later signal that ends it.
    const exit = once(child, 'exit');
    signalProcess(identity, 'SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  test('a pid that nobody has', () => {
    // The largest that Linux gives is 4194304.
    expect(identify(2 ** 22 + 1)).toBeUndefined();
  });
});

describe('an identity that was written down', () => {
  test('is read back', () => {
    const self = identify(process.pid);
    expect(parseIdentity(JSON.stringify(self))).toEqual(self);
  });

  test.each(['', '{"pid": 12', '{"pid": 0, "startedAt": "x"}', '{"pid": 12}', '12'])('is not: %s', (text) => {
    expect(parseIdentity(text)).toBeUndefined();
  });
});
