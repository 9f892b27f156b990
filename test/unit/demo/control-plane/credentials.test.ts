import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { kubeconfig, tokenFile, withToken } from '../../../../src/demo/control-plane/credentials.ts';

test('each user has a long random token of its own', () => {
  const tokens = [1, 2].map(() => withToken({ name: 'bob' }).token);
  expect(new Set(tokens).size).toBe(2);
  for (const token of tokens) expect(Buffer.from(token, 'base64url')).toHaveLength(32);
});

test('the token file quotes names and lists groups in one field', () => {
  expect(
    tokenFile([
      { name: 'admin', groups: ['system:masters', 'trainers'], token: 'secret' },
      { name: 'Ann "A", Bob', token: 'other' },
    ]),
  ).toBe(
    '"secret","admin","admin","system:masters,trainers"\n"other","Ann ""A"", Bob","Ann ""A"", Bob",""\n',
  );
});

test('a kubeconfig is complete in itself', () => {
  const config = parse(
    kubeconfig({ url: 'https://127.0.0.1:20001', ca: 'PEM', user: 'admin', token: 'secret' }),
  );
  expect(config).toMatchObject({
    clusters: [{ cluster: { server: 'https://127.0.0.1:20001', 'certificate-authority-data': btoa('PEM') } }],
    users: [{ name: 'admin', user: { token: 'secret' } }],
    contexts: [{ name: config['current-context'], context: { user: 'admin' } }],
  });
});
