import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** The real kubectl, with the rights of a kubeconfig. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

/** kubectl refused. The message is what it wrote to standard error. */
export class KubectlError extends Error {}

/** @returns a function that gives the standard output, and throws {@link KubectlError} when the exit code is not 0 */
export function kubectlAt(path: string, kubeconfig?: string): Kubectl {
  const env = { HOME: '/nonexistent', ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }) };
  return async (args, input = '') => {
    const child = spawn(path, args, { env });
    child.stdin.end(input);
    const closed = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    if (code === 0) return stdout;
    throw new KubectlError(stderr);
  };
}
