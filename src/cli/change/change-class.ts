import { type Classroom, classrooms } from '../../api/classroom.ts';
import { openUntilOf, timetableInputOf } from '../../timetable/open-until.ts';
import type { Cluster } from '../cluster/command.ts';
import { type Look, waitUntil } from '../cluster/wait.ts';
import { currentReady } from '../cluster/wait-for-class.ts';
import { confirm } from '../confirm.ts';
import { problems } from '../problems.ts';
import { type Changed, changeObject, type Patch } from './change-object.ts';
import { type Telling, tellChanges, tellWords } from './tell.ts';

/** What is to become of a class. */
export interface ClassChange {
  readonly patch: Patch;
  /** What is asked before, as a sentence that says what will happen; undefined: nothing is lost by it. */
  readonly question?: string | undefined;
}

/** How a command changes a class. Both functions are pure. */
export interface ClassCommand {
  /**
   * @param nowMs epoch ms
   * @returns undefined where the class is as wanted
   * @throws CliError where it cannot be done
   */
  decide(latest: Classroom, nowMs: number): ClassChange | undefined;
  /** What holds then, a line each. @param nowMs epoch ms */
  words(result: Classroom, nowMs: number): readonly string[];
  /** When `--wait` comes back; default: when the operator has seen the change. @param nowMs epoch ms */
  look?(latest: Classroom, nowMs: number): Look;
}

/** What the command line says of the change. */
export interface ChangeOptions extends Telling {
  /** Nobody is asked. */
  readonly yes: boolean;
}

/** Of a command with `--wait`. */
export interface WaitOptions {
  readonly wait: boolean;
  /** Ms. */
  readonly timeout: number;
}

/**
 * Changes a class as a command decides, tells of it, and of what holds then.
 *
 * @param found as it was read
 * @param wait undefined: the command has no `--wait`
 * @throws CliError, KubeApiError
 */
export async function changeClass(
  found: Classroom,
  command: ClassCommand,
  options: ChangeOptions & Partial<WaitOptions>,
  cluster: Cluster,
): Promise<void> {
  const { machine } = cluster;
  const changed = await decideAndWrite(found, command, options, cluster);
  tellChanges(classrooms, [changed], { ...options, one: true }, machine);
  if (options.wait && !options.dryRun) await waitFor(changed.object, command, options.timeout ?? 0, cluster);
  tellWords(command.words(changed.object, machine.clock.now()), options, machine);
}

async function decideAndWrite(
  found: Classroom,
  { decide }: ClassCommand,
  { dryRun, yes }: ChangeOptions,
  { client, machine }: Cluster,
): Promise<Changed<Classroom>> {
  let agreed: string | undefined;
  const decideAndAsk = async (latest: Classroom): Promise<Patch | undefined> => {
    const change = decide(latest, machine.clock.now());
    const { question } = change ?? {};
    // What was agreed to once need not be what it comes to, where somebody else has changed the class meanwhile.
    if (question !== undefined && question !== agreed && !dryRun) {
      await confirm(question, { yes }, machine);
      agreed = question;
    }
    return change?.patch;
  };
  return changeObject(client, classrooms, found, decideAndAsk, { dryRun });
}

async function waitFor(
  { metadata }: Classroom,
  { look = lookAtOpening }: Pick<ClassCommand, 'look'>,
  timeoutMs: number,
  cluster: Pick<Cluster, 'client' | 'machine'>,
): Promise<void> {
  const { name, namespace = '' } = metadata;
  await waitUntil<Classroom>(cluster, {
    what: `Class "${name}"`,
    resource: classrooms,
    ref: { name, namespace },
    timeoutMs,
    look: (latest) => {
      if (latest === undefined) throw problems.classNotFound({ name, namespace });
      return look(latest, cluster.machine.clock.now());
    },
  });
}

/** Whether the operator has seen the access and the extension that a class has. Pure. @param nowMs epoch ms */
export function lookAtOpening(classroom: Classroom, nowMs: number): Look {
  const { metadata, spec, status } = classroom;
  const openUntil = openUntilOf(metadata.annotations);
  const hasEnd = openUntil.kind === 'Until' && openUntil.ms > nowMs && timetableInputOf(classroom).schedule;
  // The status has it to the second.
  const toldMs = Date.parse(status?.timetable?.openUntil ?? '');
  const isTold = !hasEnd || Math.abs(toldMs - openUntil.ms) < 1000;
  return currentReady(classroom) !== undefined && status?.access?.mode === spec.access && isTold
    ? { done: true }
    : { done: false, waitingFor: 'the operator has not looked at it yet.' };
}
