import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Certificate, followCertificate } from '../../../../src/gateway/http/certificate.ts';
import { type Listening, listen } from '../../../../src/gateway/http/server.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { startGatewayProcess } from '../../../support/gateway-process.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { type LogLine, recordingLogger } from '../recording-logger.ts';
import { certificateFiles, readCertificate } from './certificates.ts';

const first = await readCertificate('first');
const second = await readCertificate('second');

/** Who the server says it is, to a client that knows both certificates. */
function nameAt(url: string, maxVersion?: 'TLSv1.1' | 'TLSv1.2'): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        agent: false,
        ca: [first.cert, second.cert],
        servername: 'localhost',
        maxVersion,
        ciphers: 'ALL:@SECLEVEL=0',
      },
      (response) => {
        const { socket } = response;
        response.resume();
        resolve(socket instanceof TLSSocket ? String(socket.getPeerCertificate().subject.CN) : 'nobody');
      },
    );
    call.on('error', reject);
    call.end();
  });
}

describe('a gateway with a certificate', () => {
  let listening: Listening;
  let clock: FakeClock;
  let files: Certificate;
  let log: LogLine[];
  let unfollow: () => void;

  beforeEach(async () => {
    clock = createFakeClock();
    files = first;
    log = [];
    listening = await listen(
      { host: '127.0.0.1', port: 0 },
      { handler: (_, response) => response.end('{}'), certificate: first },
    );
    const { useCertificate: use } = listening;
    unfollow = followCertificate({ first, read: async () => files, use, clock, log: recordingLogger(log) });
  });

  afterEach(() => {
    unfollow();
    listening.server.closeAllConnections();
    listening.server.close();
  });

  test('serves HTTPS', async () => {
    expect(listening.url).toMatch(/^https:/);
    expect(await nameAt(listening.url)).toBe('first.gateway.test');
    expect(await nameAt(listening.url, 'TLSv1.2')).toBe('first.gateway.test');
  });

  test('speaks nothing older than TLS 1.2', async () => {
    await expect(nameAt(listening.url, 'TLSv1.1')).rejects.toThrow(/alert|version|protocol/i);
  });

  test('takes over a renewed one, and leaves open connections alone', async () => {
    const { port } = new URL(listening.url);
    const open = connect({
      host: '127.0.0.1',
      port: Number(port),
      ca: [first.cert],
      servername: 'localhost',
    });
    await new Promise((resolve) => open.once('secureConnect', resolve));
    files = second;
    await clock.advance(10_000);
    expect(await nameAt(listening.url)).toBe('second.gateway.test');
    expect(open.destroyed).toBe(false);
    open.destroy();
  });

  test('goes on with the old one while the new one does not fit its key, and says so once', async () => {
    files = { cert: second.cert, key: first.key };
    await clock.advance(30_000);
    expect(await nameAt(listening.url)).toBe('first.gateway.test');
    expect(log.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(JSON.stringify(log)).not.toContain('PRIVATE');
    files = second;
    await clock.advance(10_000);
    expect(await nameAt(listening.url)).toBe('second.gateway.test');
  });
});

describe('the flags', () => {
  test('make a gateway that serves HTTPS', async () => {
    const { cert, key } = certificateFiles('first');
    await using folder = await temporaryFolder();
    const classes = join(folder.path, 'static.yaml');
    const spec = { model: { id: 'a/b', maxModelLen: 4096 } };
    const one = { name: 'python-101', spec, engines: ['http://127.0.0.1:1'] };
    await writeFile(classes, JSON.stringify({ classes: [one] }));
    const gateway = startGatewayProcess([
      '--ledger=memory',
      `--static=${classes}`,
      `--tls-cert-file=${cert}`,
      `--tls-key-file=${key}`,
    ]);
    const { host } = new URL(await gateway.url());
    const name = await nameAt(`https://${host}/v1/models`);
    expect(name).toBe('first.gateway.test');
    expect(await gateway.stop()).toBe(0);
  });

  test('are refused where the key is of another certificate', async () => {
    const cert = certificateFiles('first').cert;
    const key = certificateFiles('second').key;
    const gateway = startGatewayProcess([
      '--ledger=memory',
      `--tls-cert-file=${cert}`,
      `--tls-key-file=${key}`,
    ]);
    expect(await gateway.exited()).toBe(1);
    expect(gateway.output()).toContain('cannot be used together');
  });
});
