import { expect, test } from '@jest/globals';
import { gatewayOf, jsonOf } from '../../../../src/cli/gateway/gateway.ts';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import { createKubeClient } from '../../../../src/kube/kube-client.ts';
import { classroom } from '../../../support/builders.ts';
import { noCredentials } from '../../../support/kube-client.ts';
import { recordedMachine } from '../../../support/terminal.ts';

const CALL = { method: 'GET', path: '/usage', apiKey: 'key', deadlineMs: 1000 } as const;

/** Asks a gateway for the cluster only, and meets with this error on the way through the API server. */
async function problemAfter(error: KubeApiError): Promise<unknown> {
  const client: KubeClient = {
    ...createKubeClient({ credentials: noCredentials('http://127.0.0.1:1') }),
    open: () => Promise.reject(error),
  };
  const course = classroom({ status: { baseURL: 'http://gateway.school.svc/v1' } });
  const gateway = gatewayOf(course, { client, machine: recordedMachine() }, undefined);
  return jsonOf(gateway.ask(CALL)).catch((problem: unknown) => problem);
}

const failure = (status: number, reason: string, details?: unknown) =>
  new KubeApiError({ status, reason, message: 'the reason', details });

test.each([
  [
    'does not answer in time',
    failure(0, 'DeadlineExceeded'),
    'The gateway at the Service school/gateway takes requests and did not answer in time.',
  ],
  [
    'has no pod',
    failure(503, 'ServiceUnavailable'),
    'The gateway at the Service school/gateway cannot be reached.',
  ],
  [
    'is not for who asks',
    failure(403, 'Forbidden'),
    'You may not ask the gateway through the API server: its Service school/gateway has an address for the cluster only.',
  ],
  [
    'refuses',
    failure(403, 'Unknown', '{"error":{"message":"Your seat is suspended.","code":"seat_suspended"}}'),
    'The gateway refuses the request: HTTP 403, seat_suspended.',
  ],
])('a gateway behind the API server that %s is told of as such', async (_, error, what) => {
  expect(await problemAfter(error)).toMatchObject({ problem: { what } });
});

test('an API server that is not there is no fault of the gateway', async () => {
  const error = failure(0, 'Unreachable');
  expect(await problemAfter(error)).toBe(error);
});
