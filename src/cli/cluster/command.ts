import { z } from 'zod';
import { type Flag, type Program, parseCommandLine, type Texts, tellWhy } from '../../command-line/parse.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Example, Offer, Runnable } from '../command.ts';
import { examplesText } from '../examples-text.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Machine } from '../machine.ts';
import { tellProblem } from '../problem.ts';
import { problems } from '../problems.ts';
import { problemOfCall } from './api-problems.ts';
import type { Connection, connect } from './connection.ts';
import { CONNECTION_FLAGS, type ConnectionFlags, connectionSchema } from './flags.ts';

/** What a command that talks to a cluster gets. */
export interface Cluster extends Connection {
  /** Its calls end with Ctrl-C and with `--request-timeout`. */
  readonly client: KubeClient;
  readonly machine: Machine;
}

/** A command that talks to a cluster; the flags of the connection come by themselves. */
export interface ClusterCommand<Schema extends z.ZodObject> {
  /** As typed after `kubectl classroom`, such as `keys rotate`. */
  readonly name: string;
  /** What help begins with. */
  readonly description: string;
  /** Of its own flags and arguments. Rules across flags belong into `faults`. */
  readonly schema: Schema;
  readonly flags: Program<Schema>['flags'];
  readonly examples: readonly Example[];
  /** What completion offers for a field, where the field's name does not tell. */
  readonly offers?: Readonly<Record<string, Offer>>;
  /** What is wrong with the flags together, a line each, told with all else that is wrong. */
  faults?(given: Texts): readonly string[];
  /**
   * @throws CliError of the catalogue for what a person can do something about, KubeApiError as the client throws it
   */
  run(options: z.output<Schema>, cluster: Cluster): Promise<ExitCode>;
  /**
   * Does what can be done where no kubeconfig says which cluster is meant.
   *
   * @returns undefined where these options need a cluster, as all do of a command without it
   * @throws CliError
   */
  runWithout?(options: z.output<Schema>, place: Place): Promise<ExitCode> | undefined;
}

/** Where a command runs that has no cluster. */
export type Place = Pick<Cluster, 'machine' | 'namespace'>;

/**
 * Makes a {@link Runnable} of it: reads the command line, connects, runs, and tells of problems. All errors of calls are
 * told from the catalogue; anything else is a fault of the program and is thrown.
 *
 * @param connectTo for tests; default: what the kubeconfig says
 */
export function clusterCommand<Schema extends z.ZodObject>(
  command: ClusterCommand<Schema>,
  connectTo: typeof connect = connectLazily,
): Runnable {
  const program = programOf(command);
  return {
    usage: { ...program, examples: command.examples, ...(command.offers && { offers: command.offers }) },
    async run(argv, machine) {
      const parsed = parseCommandLine(program, argv, undefined, (given) => ({
        texts: new Map(),
        faults: command.faults?.(given) ?? [],
      }));
      if (parsed.kind !== 'run') {
        tellWhy(parsed, machine);
        return parsed.kind === 'print' ? EXIT_CODES.done : EXIT_CODES.usage;
      }
      const options = command.schema.parse(parsed.texts);
      const connectionFlags = connectionSchema.parse(parsed.texts);
      const { namespace = 'default', context, kubeconfig } = connectionFlags;
      // Whoever names a cluster means it.
      const isNamed = context !== undefined || kubeconfig !== undefined;
      return withCluster(connectionFlags, machine, (cluster) => command.run(options, cluster), {
        connectTo,
        runWithout: () => (isNamed ? undefined : command.runWithout?.(options, { machine, namespace })),
      });
    },
  };
}

/**
 * Connects, runs, and tells of problems: for commands that need a cluster only sometimes. All errors of calls are told
 * from the catalogue; anything else is a fault of the program and is thrown.
 *
 * @param connectTo for tests; default: what the kubeconfig says
 * @param runWithout runs where no kubeconfig can be used; undefined, or what gives undefined: that is the problem
 */
export function withCluster(
  flags: ConnectionFlags,
  machine: Machine,
  run: (cluster: Cluster) => Promise<ExitCode>,
  {
    connectTo = connectLazily,
    runWithout,
  }: { connectTo?: typeof connect; runWithout?: () => Promise<ExitCode> | undefined } = {},
): Promise<ExitCode> {
  return withProblems(machine, async (called) => {
    let connection: Connection;
    try {
      connection = await connectTo(flags, machine);
    } catch (error) {
      const without = runWithout?.();
      if (without === undefined) throw error;
      return without;
    }
    called(connection.server);
    return withClient(connection, machine, run);
  });
}

/** HTTP is a third of what a command loads: help gets along without. */
const connectLazily: typeof connect = async (flags, machine) =>
  (await import('./connection.ts')).connect(flags, machine);

function programOf<Schema extends z.ZodObject>(command: ClusterCommand<Schema>): Program<z.ZodObject> {
  const flags: Readonly<Record<string, Flag>> = { ...command.flags, ...CONNECTION_FLAGS };
  return {
    name: `kubectl classroom ${command.name}`,
    description: command.description,
    schema: z.object({ ...command.schema.shape, ...connectionSchema.shape }),
    flags,
    epilogue: examplesText(command.examples),
  };
}

/** Runs with a client that closes with Ctrl-C, and afterwards. */
async function withClient(
  connection: Connection,
  machine: Machine,
  run: (cluster: Cluster) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { client } = connection;
  const { signal } = machine;
  // Whatever waits for an answer then fails: no command has to hand the signal to every call.
  const onInterrupt = (): void => void client.close();
  signal.addEventListener('abort', onInterrupt, { once: true });
  try {
    return await run({ ...connection, machine });
  } finally {
    signal.removeEventListener('abort', onInterrupt);
    await client.close();
  }
}

async function withProblems(
  machine: Machine,
  run: (called: (server: string) => void) => Promise<ExitCode>,
): Promise<ExitCode> {
  let server = '';
  try {
    return await run((url) => {
      server = url;
    });
  } catch (error) {
    const problem = machine.signal.aborted ? problems.interrupted() : problemOfCall(error, server);
    if (problem === undefined) throw error;
    return tellProblem(problem, machine);
  }
}
