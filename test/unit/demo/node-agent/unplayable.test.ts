import { expect, test } from '@jest/globals';
import { unplayable } from '../../../../src/demo/node-agent/pod/unplayable.ts';

const tcpSocket = { port: 8000 };
const httpGet = { path: '/health', port: 8000 };

test.each([
  { name: 'no probe at all', container: {}, want: undefined },
  {
    name: 'HTTP and TCP probes',
    container: { startupProbe: { tcpSocket }, livenessProbe: { httpGet } },
    want: undefined,
  },
  {
    name: 'an exec probe',
    container: { readinessProbe: { exec: { command: ['true'] } } },
    want: 'readiness probe',
  },
  { name: 'a gRPC probe', container: { livenessProbe: { grpc: { port: 1 } } }, want: 'liveness probe' },
  { name: 'a sidecar', container: { restartPolicy: 'Always' }, want: 'is a sidecar' },
])('$name', ({ container, want }) => {
  const answer = unplayable({ name: 'vllm', ...container });
  if (want === undefined) expect(answer).toBeUndefined();
  else expect(answer).toContain(want);
});
