import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Served } from '../../../../src/gateway/valkey/peer-report.ts';
import { OwnService, RemoteService } from '../../../../src/gateway/valkey/service-counts.ts';

let epochs: number;
let own: OwnService;
let remote: RemoteService;

beforeEach(() => {
  epochs = 0;
  own = new OwnService(() => epochs++);
  remote = new RemoteService();
});

/** What this replica hears when the only other one reports. */
function heard(served: readonly Served[] = own.report()): Record<string, number> {
  remote.take(new Map([['other', served]]));
  return Object.fromEntries(remote.drain());
}

describe('service that students got from another replica', () => {
  beforeEach(() => {
    heard();
  });

  test('is heard as what was added since the last report', () => {
    own.add('ann', 100);
    expect(heard()).toEqual({ ann: 100 });
    own.add('ann', 20);
    own.add('bo', 5);
    expect(heard()).toEqual({ ann: 20, bo: 5 });
    expect(heard()).toEqual({});
  });

  test('is taken back when it is corrected', () => {
    own.add('ann', 100);
    heard();
    own.add('ann', -30);
    expect(heard()).toEqual({ ann: -30 });
  });

  test('is not lost when a report was not read', () => {
    own.add('ann', 100);
    own.report();
    own.add('ann', 20);
    expect(heard()).toEqual({ ann: 120 });
  });

  test('waits until the queue asks for it', () => {
    own.add('ann', 1);
    remote.take(new Map([['other', own.report()]]));
    own.add('ann', 2);
    expect(heard()).toEqual({ ann: 3 });
  });

  test('of students who were quiet for long is forgotten, and counts anew when they come back', () => {
    own.add('ann', 100);
    heard();
    for (let quiet = 0; quiet < 50; quiet++) heard();
    expect(own.report()).toEqual([]);
    own.add('ann', 7);
    expect(heard()).toEqual({ ann: 7 });
  });

  test('counts anew even when this replica did not hear that it was forgotten', () => {
    own.add('ann', 100);
    heard();
    for (let quiet = 0; quiet < 50; quiet++) own.report();
    own.add('ann', 7);
    expect(heard()).toEqual({ ann: 7 });
  });
});

test('what a replica had counted before it was met is history', () => {
  own.add('ann', 1_000_000);
  expect(heard()).toEqual({});
  own.add('ann', 5);
  expect(heard()).toEqual({ ann: 5 });
});

test('a replica that was gone for a while is met anew', () => {
  heard();
  own.add('ann', 5);
  remote.take(new Map());
  expect(heard()).toEqual({});
});
