import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseAuditLog, readAuditLog } from '../../../../src/demo/control-plane/audit.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const line = JSON.stringify({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Metadata',
  stage: 'ResponseComplete',
  requestURI: '/apis/apps/v1/namespaces/class/deployments/engine/status',
  verb: 'patch',
  user: { username: 'system:serviceaccount:default:operator', groups: ['system:authenticated'] },
  userAgent: 'gpu-classroom/0.1.0',
  objectRef: {
    resource: 'deployments',
    namespace: 'class',
    name: 'engine',
    apiGroup: 'apps',
    subresource: 'status',
  },
  responseStatus: { metadata: {}, code: 200 },
  stageTimestamp: '2026-09-01T09:00:00.123456Z',
});

test('a write is read with all that says who did what', () => {
  expect(parseAuditLog(`${line}\n`)).toEqual([
    {
      at: new Date('2026-09-01T09:00:00.123Z'),
      user: 'system:serviceaccount:default:operator',
      userAgent: 'gpu-classroom/0.1.0',
      verb: 'patch',
      apiGroup: 'apps',
      resource: 'deployments',
      subresource: 'status',
      namespace: 'class',
      name: 'engine',
      code: 200,
    },
  ]);
});

test('a line that is still being written waits for the next look', () => {
  expect(parseAuditLog(`${line}\n${line.slice(0, 40)}`)).toHaveLength(1);
});

test('a damaged line in the middle is an error, not a write less', () => {
  expect(() => parseAuditLog(`{"kind":\n${line}\n`)).toThrow();
});

test('before the first write there is no file and no write', async () => {
  await using folder = await temporaryFolder();
  expect(await readAuditLog(join(folder.path, 'audit.log'))).toEqual([]);
});
