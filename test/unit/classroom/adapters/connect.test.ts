import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../../src/api/classroom.ts';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { createAdapterBoard } from '../../../../src/classroom/adapters/board.ts';
import { createAdapterController } from '../../../../src/classroom/adapters/controller.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { podAddress } from '../../../../src/vllm/pod-address.ts';
import { classroom, merged } from '../../../support/builders.ts';
import { containerStatus, enginePod, readyPod, settings } from '../../../support/classroom.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { quietInformers } from '../../../support/quiet-cache.ts';

const KEY = 'python-101/python-101';
const makeInformers = () => quietInformers<Classroom, StudentQuota, Pod>({});

let informers: ReturnType<typeof makeInformers>;
let enqueued: string[];

beforeEach(() => {
  informers = makeInformers();
  enqueued = [];
  const controller = createAdapterController({
    informers,
    callEngine: () => Promise.reject(new Error('nobody asks an engine here')),
    addressOf: podAddress,
    adapterBoard: createAdapterBoard(),
    clock: createFakeClock(),
    log: silentLogger,
    settings: settings(),
  });
  controller.connect((key) => enqueued.push(key));
});

/** It answers, after that many restarts of its container. */
function answering(restartCount = 0): Pod {
  return merged(readyPod('engine-1'), {
    spec: { containers: [{ name: 'vllm', ports: [{ name: 'http', containerPort: 8000 }] }] },
    status: { podIP: '10.0.0.1', containerStatuses: [containerStatus({ ready: true, restartCount })] },
  });
}

const generation = (number: number) => classroom({ metadata: { generation: number } });

describe('leads to the class', () => {
  test('another spec', () => {
    informers.classrooms.tell(generation(2), generation(1));
    expect(enqueued).toEqual([KEY]);
  });

  test('its deletion', () => {
    informers.classrooms.tell(undefined, generation(1));
    expect(enqueued).toEqual([KEY]);
  });

  test('an engine that begins to answer, and one that ends to', () => {
    informers.pods.tell(answering(), enginePod());
    informers.pods.tell(undefined, answering());
    expect(enqueued).toEqual([KEY, KEY]);
  });

  test('a container that started anew, though its pod seems ready all the time', () => {
    informers.pods.tell(answering(1), answering(0));
    expect(enqueued).toEqual([KEY]);
  });
});

describe('leads nowhere', () => {
  test('a status: what is found here would lead to itself', () => {
    informers.classrooms.tell({ ...generation(1), status: { replicas: 1 } }, generation(1));
    expect(enqueued).toEqual([]);
  });

  test('a pod that loads, or tells the same again', () => {
    informers.pods.tell(enginePod(), undefined);
    informers.pods.tell(answering(), answering());
    expect(enqueued).toEqual([]);
  });
});
