import { classrooms } from '../../api/classroom.ts';
import { COMPONENTS, LABELS } from '../../api/labels.ts';
import { studentQuotas } from '../../api/student-quota.ts';
import { parseCommandLine } from '../../command-line/parse.ts';
import { kubeconfigContexts } from '../../kube/kubeconfig.ts';
import type { KubeObject } from '../../kube/object.ts';
import { namespaces, pods } from '../../kube/resources.ts';
import { problemOfCall } from '../cluster/api-problems.ts';
import { type Connection, connect } from '../cluster/connection.ts';
import { CONNECTION_FLAGS, type ConnectionFlags, connectionSchema } from '../cluster/flags.ts';
import { CONNECTION_WORDS } from '../cluster/leading-flags.ts';
import { listAll } from '../cluster/list.ts';
import type { Known } from '../command.ts';
import type { Machine } from '../machine.ts';

/** Longer nobody waits for a suggestion. */
const PATIENCE = '2s';

/**
 * Asks the cluster that the words name. Whatever goes wrong there, nothing is offered: an error amid a line that
 * somebody types helps nobody.
 */
export function knownOf(words: readonly string[], machine: Machine): Known {
  const flags = connectionFlagsIn(words);
  const names = <Found extends KubeObject>(
    read: (connection: Connection) => Promise<readonly Found[]>,
    nameOf: (object: Found) => string = ({ metadata }) => metadata.name,
  ) => ask(flags, machine, async (connection) => (await read(connection)).map(nameOf));
  return {
    classes: () => names(({ client, namespace }) => listAll(client, classrooms, { namespace })),
    students: (classroom) =>
      names(
        ({ client, namespace }) =>
          listAll(client, studentQuotas, {
            namespace,
            ...(classroom === undefined ? {} : { fieldSelector: `spec.classroomRef.name=${classroom}` }),
          }),
        ({ spec }) => spec.student.id,
      ),
    engines: () =>
      names(({ client, namespace }) =>
        listAll(client, pods, { namespace, labelSelector: `${LABELS.component}=${COMPONENTS.engine}` }),
      ),
    namespaces: () => names(({ client }) => listAll(client, namespaces)),
    contexts: () => kubeconfigContexts({ ...machine, kubeconfig: flags?.kubeconfig }),
  };
}

/** Undefined: they cannot be used. */
function connectionFlagsIn(words: readonly string[]): ConnectionFlags | undefined {
  const argv = words.flatMap((word, place) => {
    const [name = ''] = word.split('=', 1);
    if (!CONNECTION_WORDS.has(name)) return [];
    return name === word ? words.slice(place, place + 2) : [word];
  });
  const program = { name: '', description: '', schema: connectionSchema, flags: CONNECTION_FLAGS };
  const parsed = parseCommandLine(program, ['--request-timeout', PATIENCE, ...argv]);
  return parsed.kind === 'run' ? parsed.options : undefined;
}

async function ask(
  flags: ConnectionFlags | undefined,
  machine: Machine,
  read: (connection: Connection) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  if (flags === undefined) return [];
  let connection: Connection | undefined;
  try {
    connection = await connect(flags, machine);
    return await read(connection);
  } catch (error) {
    if (problemOfCall(error, '') === undefined) throw error;
    return [];
  } finally {
    await connection?.client.close();
  }
}
