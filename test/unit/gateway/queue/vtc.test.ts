import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Account, serviceOf, VirtualCounters } from '../../../../src/gateway/queue/vtc.ts';

describe('whose turn it is', () => {
  test('nobody waits', () => {
    expect(new VirtualCounters().next).toBeUndefined();
  });

  test('of two who come together, the one who came first; then the one who got less', () => {
    const counters = new VirtualCounters();
    const alice = counters.join('alice', 1);
    counters.join('bob', 1);
    expect(counters.next?.student).toBe('alice');
    counters.charge(alice, serviceOf(10, 5));
    expect([counters.next?.student, alice.counter]).toEqual(['bob', 20]);
  });

  test('a student of weight 3 is next until they got three times as much', () => {
    const counters = new VirtualCounters();
    const accounts = [counters.join('alice', 3), counters.join('bob', 1)];
    const turns = Array.from({ length: 8 }, () => {
      const { next } = counters;
      if (next !== undefined) counters.charge(next, 30);
      return next?.student;
    });
    expect(turns.filter((student) => student === 'alice')).toHaveLength(6);
    expect(accounts.map(({ counter }) => counter)).toEqual([60, 60]);
  });

  test('what was charged too much is given back', () => {
    const counters = new VirtualCounters();
    const alice = counters.join('alice', 1);
    counters.charge(counters.join('bob', 1), 50);
    counters.charge(alice, 100);
    expect(counters.next?.student).toBe('bob');
    counters.charge(alice, -60);
    expect(counters.next?.student).toBe('alice');
  });
});

describe('coming back', () => {
  test('lifts to the least of those who wait: nobody saves up claims', () => {
    const counters = new VirtualCounters();
    const alice = counters.join('alice', 1);
    counters.charge(alice, 1_000);
    expect(counters.join('bob', 1).counter).toBe(1_000);
  });

  test('while nobody waits, lifts to the one who left last', () => {
    const counters = new VirtualCounters();
    const alice = counters.join('alice', 1);
    counters.leave(alice);
    counters.charge(alice, 700);
    expect(counters.join('bob', 1).counter).toBe(700);
  });

  test('does not forget what one got beyond the others', () => {
    const counters = new VirtualCounters();
    counters.join('bob', 1);
    const alice = counters.join('alice', 1);
    counters.charge(alice, 500);
    counters.leave(alice);
    expect(counters.join('alice', 1).counter).toBe(500);
  });

  test('after all were forgotten, everybody starts at nothing', () => {
    const counters = new VirtualCounters();
    const alice = counters.join('alice', 1);
    expect(() => counters.clear()).toThrow(/wait/);
    counters.charge(alice, 500);
    counters.leave(alice);
    counters.clear();
    expect([counters.size, counters.join('bob', 1).counter]).toEqual([0, 0]);
  });
});

describe('service of other replicas', () => {
  test('counts as service here, divided by the weight once that is known', () => {
    const counters = new VirtualCounters();
    counters.join('bob', 1);
    counters.chargeRemote('alice', 300);
    expect(counters.join('alice', 3).counter).toBe(100);
    counters.chargeRemote('alice', 30);
    expect(counters.next?.student).toBe('bob');
  });

  test('to one who does not wait here counts from where the others are', () => {
    const counters = new VirtualCounters();
    counters.leave(counters.join('alice', 1));
    counters.charge(counters.join('bob', 1), 1_000);
    counters.chargeRemote('alice', 50);
    expect(counters.join('alice', 1).counter).toBe(1_050);
  });
});

test('numbers stay small, and their order stays', () => {
  const counters = new VirtualCounters();
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => counters.join(name, 1)) as [
    Account,
    Account,
    Account,
  ];
  counters.charge(alice, 2 ** 41);
  counters.charge(bob, 2 ** 41 + 5);
  counters.leave(carol);
  expect(counters.join('dora', 1).counter).toBe(0);
  expect([alice.counter, bob.counter, carol.counter]).toEqual([0, 5, 0]);
  counters.charge(alice, 3);
  expect(counters.next?.student).toBe('dora');
});

type Step =
  | { kind: 'join'; who: number; weight: number }
  | { kind: 'leave'; who: number }
  | { kind: 'charge'; who: number; service: number };

const who = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), who, weight: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('leave' as const), who }),
  fc.record({ kind: fc.constant('charge' as const), who, service: fc.integer({ min: -50, max: 500 }) }),
);

test('property: next has the least counter of all who wait, and coming back never lowers', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const counters = new VirtualCounters();
      const accounts = new Map<number, Account>();
      for (const { kind, who: number, ...rest } of steps) {
        const known = accounts.get(number);
        if (kind === 'join' && 'weight' in rest) {
          const before = known?.counter ?? Number.NEGATIVE_INFINITY;
          const account = counters.join(String(number), rest.weight);
          expect(account.counter).toBeGreaterThanOrEqual(before);
          accounts.set(number, account);
        } else if (known !== undefined && kind === 'leave') counters.leave(known);
        else if (known !== undefined && 'service' in rest) counters.charge(known, rest.service);
        const waiting = [...accounts.values()].filter(({ node }) => node !== undefined);
        expect(counters.next?.counter).toBe(
          waiting.length === 0 ? undefined : Math.min(...waiting.map(({ counter }) => counter)),
        );
      }
    }),
  );
});
