import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '../../../src/demo/control-plane/ports.ts';
import {
  connectValkey,
  StateStoreUnavailableError,
  type ValkeyConnection,
} from '../../../src/gateway/valkey/connection.ts';
import { defineScript } from '../../../src/gateway/valkey/script.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { startValkey, type ValkeyServer } from '../../support/valkey.ts';

const COUNT = defineScript('count', "return redis.call('INCRBY', KEYS[1], ARGV[1])");
const WRONG = defineScript('wrong', 'return nothing.at.all');

let valkey: ValkeyServer;
let connection: ValkeyConnection;
let logged: string[];
/** Closed after each test, also after one that failed: a connection tries for ever. */
let opened: ValkeyConnection[];

beforeAll(async () => {
  valkey = await startValkey();
});
afterAll(async () => {
  await valkey[Symbol.asyncDispose]();
});

beforeEach(async () => {
  logged = [];
  opened = [];
  await valkey.command('FLUSHALL');
  connection = connect(valkey.url);
  await connection.whenUp();
});
afterEach(() => {
  for (const one of opened) one.close();
});

function connect(url: string, password?: string, ca?: string): ValkeyConnection {
  const keep = (fields: object, message: string): void => {
    logged.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  const one = connectValkey({
    url,
    password,
    ca,
    connectTimeoutMs: 1_000,
    commandTimeoutMs: 500,
    probeKey: 'probe',
    clock: systemClock,
    random: () => 0,
    log,
  });
  opened.push(one);
  return one;
}

const count = (): Promise<unknown> => connection.run(COUNT, ['counter'], ['1']);

describe('a connection to the state store', () => {
  test('runs a script that the server has never seen', async () => {
    expect(await count()).toBe(1);
    expect(await count()).toBe(2);
  });

  test('runs a script that the server has forgotten, once', async () => {
    await count();
    await valkey.command('SCRIPT', 'FLUSH');
    expect(await count()).toBe(2);
    await valkey.command('FLUSHALL');
    expect(await count()).toBe(1);
  });

  test('says that a wrong script is wrong, and goes on', async () => {
    await expect(connection.run(WRONG, [], [])).rejects.not.toThrow(StateStoreUnavailableError);
    expect(connection.isUp).toBe(true);
    expect(await count()).toBe(1);
  });

  test('fails at once while the server is gone, and finds it when it is back, with its counts', async () => {
    await count();
    const changes: boolean[] = [];
    connection.onChange((isUp) => changes.push(isUp));
    await valkey.kill();
    await expect(count()).rejects.toThrow(StateStoreUnavailableError);
    expect(connection.isUp).toBe(false);
    await expect(count()).rejects.toThrow(/is not connected/);
    await valkey.restart();
    await connection.whenUp();
    expect(await count()).toBe(2);
    expect(changes).toEqual([false, true]);
  });

  test('gives up a server that hangs, and finds it when it goes on', async () => {
    await count();
    valkey.pause();
    try {
      await expect(count()).rejects.toThrow(/did not answer in 500 ms/);
      expect(connection.isUp).toBe(false);
    } finally {
      valkey.resume();
    }
    await connection.whenUp();
    // Whether the command without an answer ran is not known.
    expect([2, 3]).toContain(await count());
  });

  test('stays down when the server is full: what cannot be written cannot be counted', async () => {
    await valkey.command('CONFIG', 'SET', 'maxmemory', '1');
    await expect(count()).rejects.toThrow(/OOM/);
    await expect(count()).rejects.toThrow(/is not connected/);
    await valkey.command('CONFIG', 'SET', 'maxmemory', '0');
    await connection.whenUp();
    expect(await count()).toBe(1);
  });

  test('stays down on a replica', async () => {
    await valkey.command('REPLICAOF', '127.0.0.1', '1');
    await expect(count()).rejects.toThrow(StateStoreUnavailableError);
    expect(connection.isUp).toBe(false);
    await valkey.command('REPLICAOF', 'NO', 'ONE');
    await connection.whenUp();
    expect(await count()).toBe(1);
  });

  test('is encrypted, and only with a server whose certificate is trusted', async () => {
    const certificate = join(import.meta.dirname, '../../fixtures/tls/first.cert.pem');
    const key = join(import.meta.dirname, '../../fixtures/tls/first.key.pem');
    const port = await freePort();
    const tls = ['--tls-port', String(port), '--tls-auth-clients', 'no', '--tls-ca-cert-file', certificate];
    await using secure = await startValkey([...tls, '--tls-cert-file', certificate, '--tls-key-file', key]);
    const trusting = connect(`rediss://127.0.0.1:${port}`, undefined, await readFile(certificate, 'utf8'));
    const distrusting = connect(`rediss://127.0.0.1:${port}`);
    await trusting.whenUp();
    await trusting.command('SET', 'over', 'tls');
    expect(await secure.command('GET', 'over')).toBe('tls');
    await eventually('the other one to say why not', () => /self-signed/.test(logged.join('\n')));
    expect(distrusting.isUp).toBe(false);
  });

  test('logs neither the password nor the URL that holds it', async () => {
    await valkey.command('CONFIG', 'SET', 'requirepass', 'geheim%/@');
    const authorized = connect(valkey.url.replace('//', '//default@'), 'geheim%/@');
    const inUrl = connect(valkey.url.replace('//', '//:geheim%25%2F%40@'));
    connect(valkey.url.replace('//', '//:falsch@'));
    await authorized.whenUp();
    await inUrl.whenUp();
    await eventually('the wrong one to be refused', () => /WRONGPASS/.test(logged.join('\n')));
    await authorized.command('CONFIG', 'SET', 'requirepass', '');
    expect(logged.join('\n')).not.toMatch(/geheim|falsch/);
  });
});
