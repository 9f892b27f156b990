import { beforeEach, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import {
  credentialsFromKubeConfig,
  inClusterCredentials,
  type ReadFile,
} from '../../../src/kube/credentials.ts';
import {
  defaultKubeContext,
  kubeconfigFileCredentials,
  loadKubeconfig,
} from '../../../src/kube/kubeconfig.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

let clock: FakeClock;
let files: Record<string, string>;

beforeEach(() => {
  clock = createFakeClock();
  files = {};
});

const readFile: ReadFile = async (path) => {
  const text = files[path];
  if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
  return Buffer.from(text);
};

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

type Fields = Record<string, unknown>;

function kubeconfig(user: Fields, cluster: Fields = {}, rest: Fields = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'class',
    contexts: [{ name: 'class', context: { cluster: 'school', user: 'trainer', namespace: 'python-101' } }],
    clusters: [{ name: 'school', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
    users: [{ name: 'trainer', user }],
    ...rest,
  });
}

describe('in a pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

  beforeEach(() => {
    files = { [`${serviceAccount}/token`]: 'first\n', [`${serviceAccount}/ca.crt`]: 'CA' };
  });

  test('the mounted token and CA are used', async () => {
    const credentials = inClusterCredentials({ env, readFile, clock });

    expect(credentials.server).toBe('https://10.96.0.1:443');
    expect(await credentials.current()).toEqual({
      ca: Buffer.from('CA'),
      headers: { authorization: 'Bearer first' },
    });
  });

  test('an IPv6 address becomes a URL', () => {
    const ipv6 = { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' };

    expect(inClusterCredentials({ env: ipv6, readFile, clock }).server).toBe('https://[fd00::1]:443');
  });

  test('a rotated token is seen within a minute, or at once after a 401', async () => {
    const credentials = inClusterCredentials({ env, readFile, clock });
    const token = async (fresh = false) => (await credentials.current({ fresh })).headers.authorization;
    await token();
    files[`${serviceAccount}/token`] = 'second';

    await clock.advance(59_000);
    expect(await token()).toBe('Bearer first');
    await clock.advance(1_000);
    expect(await token()).toBe('Bearer second');
    files[`${serviceAccount}/token`] = 'third';
    expect(await token(true)).toBe('Bearer third');
  });

  test('anywhere else it says what to do instead', () => {
    expect(() => inClusterCredentials({ env: {}, readFile, clock })).toThrow(/Not in a cluster.*kubeconfig/);
  });
});

describe('a kubeconfig file', () => {
  async function current(text: string) {
    files['/home/t/.kube/config'] = text;
    return (await kubeconfigFileCredentials('/home/t/.kube/config', { readFile, clock })).current();
  }

  test.each<[string, Fields, Fields, Fields]>([
    ['a token', { token: 'abc' }, {}, { headers: { authorization: 'Bearer abc' } }],
    [
      'name and password',
      { username: 'u', password: 'p' },
      {},
      { headers: { authorization: `Basic ${base64('u:p')}` } },
    ],
    [
      'certificates as data',
      { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
      { 'certificate-authority-data': base64('CA') },
      { ca: Buffer.from('CA'), cert: Buffer.from('CERT'), key: Buffer.from('KEY'), headers: {} },
    ],
    [
      'a cluster without verification',
      {},
      { 'insecure-skip-tls-verify': true, 'tls-server-name': 'api.school' },
      { insecureSkipVerify: true, serverName: 'api.school', headers: {} },
    ],
  ])('with %s', async (_what, user, cluster, want) => {
    expect(await current(kubeconfig(user, cluster))).toEqual(want);
  });

  test('with files: relative to itself, and read again when they are replaced', async () => {
    files['/home/t/.kube/config'] = kubeconfig(
      { 'client-certificate': 'me.crt', 'client-key': '/keys/me.key', tokenFile: 'token' },
      { 'certificate-authority': '../ca.crt' },
    );
    Object.assign(files, {
      '/home/t/.kube/me.crt': 'CERT',
      '/keys/me.key': 'KEY',
      '/home/t/ca.crt': 'CA',
      '/home/t/.kube/token': 'T',
    });
    const credentials = await kubeconfigFileCredentials('/home/t/.kube/config', { readFile, clock });
    expect(await credentials.current()).toEqual({
      ca: Buffer.from('CA'),
      cert: Buffer.from('CERT'),
      key: Buffer.from('KEY'),
      headers: { authorization: 'Bearer T' },
    });

    files['/home/t/.kube/me.crt'] = 'RENEWED';
    await clock.advance(60_000);
    expect((await credentials.current()).cert).toEqual(Buffer.from('RENEWED'));
  });

  test('names the namespace that commands default to', async () => {
    files['/k'] = kubeconfig({});

    expect(await loadKubeconfig('/k', { readFile, clock })).toMatchObject({
      name: 'class',
      namespace: 'python-101',
    });
  });

  test.each<[string, string, RegExp]>([
    ['no kubeconfig', 'clusters: 7', /\/k is not a kubeconfig/],
    ['no current context', kubeconfig({}, {}, { 'current-context': '' }), /no current context.*--context/],
    ['an unknown context', kubeconfig({}, {}, { 'current-context': 'x' }), /no context "x"/],
    ['an unknown cluster', kubeconfig({}, {}, { clusters: [] }), /no cluster "school"/],
    ['a proxy', kubeconfig({}, { 'proxy-url': 'http://p' }), /proxy-url, which is not supported/],
  ])('%s is an error that says so', async (_what, text, want) => {
    files['/k'] = text;

    await expect(kubeconfigFileCredentials('/k', { readFile, clock })).rejects.toThrow(want);
  });
});

describe('where to look', () => {
  test.each<[string, Record<string, string>, string | undefined, string]>([
    ['the flag wins', { KUBECONFIG: '/env', HOME: '/home/t' }, '/flag', 'flag'],
    [
      'then KUBECONFIG',
      { KUBECONFIG: '/env', KUBERNETES_SERVICE_HOST: 'x', HOME: '/home/t' },
      undefined,
      'env',
    ],
    [
      'then the pod',
      { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443', HOME: '/home/t' },
      undefined,
      'in-cluster',
    ],
    ['then the file in the home folder', { HOME: '/home/t' }, undefined, 'home'],
  ])('%s', async (_rule, env, path, want) => {
    for (const [file, name] of [
      ['/flag', 'flag'],
      ['/env', 'env'],
      ['/home/t/.kube/config', 'home'],
    ] as const) {
      const context = { cluster: 'school', user: 'trainer' };
      files[file] = kubeconfig({}, {}, { 'current-context': name, contexts: [{ name, context }] });
    }

    expect((await defaultKubeContext({ env, readFile, clock, kubeconfig: path })).name).toBe(want);
  });

  test('a context that is named is one of a file, also in a pod', async () => {
    const contexts = [{ name: 'lab', context: { cluster: 'school', user: 'trainer' } }];
    files['/home/t/.kube/config'] = kubeconfig({}, {}, { contexts });
    const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443', HOME: '/home/t' };

    expect((await defaultKubeContext({ env, readFile, clock, context: 'lab' })).name).toBe('lab');
  });

  test('in a pod the namespace is that of its ServiceAccount', async () => {
    files[`${serviceAccount}/namespace`] = 'gpu-classroom\n';
    const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

    expect((await defaultKubeContext({ env, readFile, clock })).namespace).toBe('gpu-classroom');
  });
});

describe('a KubeConfig of client-node', () => {
  test('gives server, certificates and the token that its plugin makes', async () => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromOptions({
      clusters: [{ name: 'c', server: 'https://api:6443', caData: base64('CA') }],
      users: [
        {
          name: 'u',
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1',
            command: process.execPath,
            args: ['-e', 'console.log(JSON.stringify({status: {token: "from-plugin"}}))'],
          },
        },
      ],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    const credentials = credentialsFromKubeConfig(kubeConfig);

    expect(credentials.server).toBe('https://api:6443');
    expect(await credentials.current()).toEqual({
      ca: Buffer.from('CA'),
      headers: { authorization: 'Bearer from-plugin' },
    });
  });

  test('without a cluster says what to do', () => {
    expect(() => credentialsFromKubeConfig(new KubeConfig())).toThrow(/no current context.*--context/);
  });
});
