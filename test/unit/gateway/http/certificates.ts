import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificate } from '../../../../src/gateway/http/certificate.ts';

const FOLDER = join(import.meta.dirname, '../../../fixtures/tls');

/** Paths of a certificate of localhost and its key. */
export function certificateFiles(name: 'first' | 'second'): { readonly cert: string; readonly key: string } {
  return { cert: join(FOLDER, `${name}.cert.pem`), key: join(FOLDER, `${name}.key.pem`) };
}

export async function readCertificate(name: 'first' | 'second'): Promise<Certificate> {
  const { cert, key } = certificateFiles(name);
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}
