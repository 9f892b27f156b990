import { expect, test } from '@jest/globals';
import { ENGINE_CONTAINER } from '../../../../src/api/labels.ts';
import { createStartFinder } from '../../../../src/cli/logs/engine-starts.ts';
import type { Pod } from '../../../../src/kube/resources.ts';

const engine = (uid: string, state: 'running' | 'waiting', restartCount = 0): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'engine', uid },
  status: {
    containerStatuses: [
      { name: ENGINE_CONTAINER, image: '', imageID: '', ready: false, restartCount, state: { [state]: {} } },
    ],
  },
});

test.each([
  [
    'when its container runs, and not before',
    [engine('a', 'waiting'), engine('a', 'running')],
    [false, true],
  ],
  ['once', [engine('a', 'running'), engine('a', 'running')], [true, false]],
  [
    'again when its container was started anew',
    [engine('a', 'running'), engine('a', 'waiting', 1), engine('a', 'running', 1)],
    [true, false, true],
  ],
  ['as another where its pod is another one', [engine('a', 'running'), engine('b', 'running')], [true, true]],
])('an engine begins %s', (_, seen, want) => {
  const starts = createStartFinder();
  expect(seen.map((pod) => starts.begins(pod))).toEqual(want);
});
