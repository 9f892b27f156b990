import { describe, expect, test } from '@jest/globals';
import { showLive } from '../../../../src/cli/top/live.ts';
import type { Moment } from '../../../../src/cli/top/table.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { recordedMachine } from '../../../support/terminal.ts';

const seen: Moment = {
  name: 'python-101',
  namespace: 'school',
  time: '2026-11-23T09:00:00.000Z',
  message: '2 of 2 engines answer.',
  engines: { ready: 2, wanted: 2 },
  students: [],
};
const failure = (status: number, reason: string) =>
  new KubeApiError({ status, reason, message: 'dial tcp: refused' });

/** Looks every two seconds, and meets with what the reads say, one after the other. */
async function look(...reads: readonly (Moment | Error)[]) {
  const clock = createFakeClock();
  const left = [...reads];
  const drawn: string[] = [];
  let closed = false;
  const screen = {
    draw: (text: string) => void drawn.push(text),
    close: () => {
      closed = true;
    },
  };
  const stop = new AbortController();
  const read = async (): Promise<Moment> => {
    const next = left.shift();
    if (next === undefined) stop.abort(new Error('Interrupted'));
    if (next === undefined || next instanceof Error) throw next ?? new Error('closed');
    return next;
  };
  const machine = recordedMachine({ clock, signal: stop.signal });
  const view = { sort: 'tokens', interval: 2_000, server: 'https://10.0.0.1:6443' } as const;
  const ended = showLive({ read }, view, machine, screen).then(
    () => 'interrupted',
    (error: unknown) => error,
  );
  await clock.advance(2_000 * reads.length);
  return { ended: await ended, drawn, closed };
}

describe('the live table', () => {
  test('goes on until Ctrl-C', async () => {
    const { ended, drawn, closed } = await look(seen, { ...seen, message: '1 of 2 engines answers.' });
    expect({ ended, closed }).toEqual({ ended: 'interrupted', closed: true });
    expect(drawn).toHaveLength(2);
    expect(drawn[1]).toContain('1 of 2');
  });

  test.each([
    ['cannot be reached', failure(0, 'Unreachable')],
    ['does not answer in time', failure(0, 'DeadlineExceeded')],
    ['fails', failure(500, 'InternalError')],
    ['has too much to do', failure(429, 'TooManyRequests')],
  ])('keeps what was seen last while the cluster %s, and says from when it is', async (_, error) => {
    const { ended, drawn } = await look(seen, error, error, seen);
    expect(ended).toBe('interrupted');
    expect(drawn[2]).toContain('2 of 2 engines answer.');
    expect(drawn[2]).toMatch(/^This was at 2026-11-23T09:00:00.000Z\. The cluster .*\.$/m);
    expect(drawn[3]).not.toContain('This was at');
  });

  test.each([
    ['at the first look', [failure(0, 'Unreachable')]],
    ['for good', [seen, failure(403, 'Forbidden')]],
    ['by a fault of ours', [seen, new TypeError('x is undefined')]],
  ])('ends with what went wrong %s', async (_, reads) => {
    const { ended, closed } = await look(...reads);
    expect(ended).toBe(reads.at(-1));
    expect(closed).toBe(true);
  });
});
