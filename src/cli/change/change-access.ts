import { findClassroom } from '../cluster/class-objects.ts';
import type { Cluster } from '../cluster/command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { whoAmI } from './access.ts';
import { type ChangeOptions, type ClassCommand, changeClass, type WaitOptions } from './change-class.ts';

/**
 * Changes who may ask, in the name of whoever calls.
 *
 * @param options.class name; default: the only class of the namespace
 * @param commandOf of the name that the API server knows the caller by
 * @throws CliError, KubeApiError
 */
export async function changeAccess(
  options: ChangeOptions & WaitOptions & { readonly class?: string | undefined },
  commandOf: (user: string | undefined) => ClassCommand,
  cluster: Cluster,
): Promise<ExitCode> {
  const [found, user] = await Promise.all([findClassroom(cluster, options.class), whoAmI(cluster.client)]);
  await changeClass(found, commandOf(user), options, cluster);
  return EXIT_CODES.done;
}
