import type { Classroom } from '../../api/classroom.ts';
import { LABELS } from '../../api/labels.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { secrets } from '../../kube/resources.ts';
import { apiKeyIn } from '../../student/secret.ts';
import { localDayOf } from '../../timetable/local-day.ts';
import { knownTimeZone } from '../../timetable/time-zone.ts';
import { findClassroom, seatsOf } from '../cluster/class-objects.ts';
import type { Cluster } from '../cluster/command.ts';
import { ifAllowed } from '../cluster/if-allowed.ts';
import { listAll } from '../cluster/list.ts';
import { currentReady } from '../cluster/wait-for-class.ts';
import { type Gateway, gatewayOf, jsonOf } from '../gateway/gateway.ts';
import { namesOf } from '../keys/chosen-seats.ts';
import { CliError } from '../problem.ts';
import { figuresOfAnswer, figuresOfStatus, type StudentFigures } from './figures.ts';
import type { Moment } from './table.ts';

/** A student is asked about at most so long: the table goes on without. */
const DEADLINE_MS = 5_000;
/** Asked about at the same time. */
const AT_ONCE = 16;

/** Reads moments of a class. */
export interface ClassWatch {
  read(): Promise<Moment>;
}

/**
 * The gateway tells what a student used to whoever has the key, so each is asked about with it: that counts against no
 * limit. Where keys may not be read, or the gateway is out of reach, it is what the gateway wrote into the status.
 *
 * @throws CliError when there is no such class
 */
export async function watchClass(
  cluster: Cluster,
  name: string | undefined,
  gatewayUrl: string | undefined,
): Promise<ClassWatch> {
  const first = await findClassroom(cluster, name);
  return {
    async read() {
      const classroom = await findClassroom(cluster, first.metadata.name);
      const [seats, keys] = await Promise.all([seatsOf(cluster, classroom), keysOf(cluster, classroom)]);
      const { students, note } = await studentsOf({ classroom, seats, keys, gatewayUrl }, cluster);
      const { metadata, status } = classroom;
      return {
        name: metadata.name,
        namespace: metadata.namespace ?? '',
        time: new Date(cluster.machine.clock.now()).toISOString(),
        message:
          currentReady(classroom)?.message ?? 'the operator has not looked at it since it was written.',
        engines: { ready: status?.readyReplicas ?? 0, wanted: status?.replicas ?? 0 },
        students,
        note,
      };
    },
  };
}

/** By name of the seat; undefined: they may not be read. */
type Keys = ReadonlyMap<string, string> | undefined;

async function keysOf({ client }: Cluster, { metadata }: Classroom): Promise<Keys> {
  const labelSelector = `${LABELS.classroom}=${metadata.name},${LABELS.student}`;
  const { namespace = '' } = metadata;
  const found = await ifAllowed(listAll(client, secrets, { namespace, labelSelector }));
  return (
    found &&
    new Map(
      found.flatMap((secret): [string, string][] => {
        const seat = secret.metadata.labels?.[LABELS.student];
        const key = apiKeyIn(secret);
        return seat === undefined || key === undefined ? [] : [[seat, key]];
      }),
    )
  );
}

interface ToRead {
  readonly classroom: Classroom;
  readonly seats: readonly StudentQuota[];
  readonly keys: Keys;
  readonly gatewayUrl: string | undefined;
}

async function studentsOf(
  { classroom, seats, keys, gatewayUrl }: ToRead,
  cluster: Cluster,
): Promise<Pick<Moment, 'students' | 'note'>> {
  const day = localDayOf(knownTimeZone(classroom.spec.schedule?.timeZone), cluster.machine.clock.now());
  const written = seats.map((seat) => figuresOfStatus(seat, day));
  if (keys === undefined)
    return { students: written, note: `${ALL_OLD}: You may not read the keys of the students.` };
  const asking = seats.map((seat) => ({ seat, key: keys.get(seat.metadata.name) }));
  const failed: Failed[] = [];
  const live = await inTurns(asking, async ({ seat, key }) => {
    if (key === undefined) return undefined;
    try {
      return await ask(gatewayOf(classroom, cluster, gatewayUrl), seat.spec.student.id, key);
    } catch (error) {
      if (!(error instanceof CliError) || cluster.machine.signal.aborted) throw error;
      failed.push({ seat, error });
      return undefined;
    }
  });
  const students = written.map((figures, place) => live[place] ?? figures);
  return { students, note: noteOf(failed, seats) };
}

/** A student about whom the gateway did not answer. */
interface Failed {
  readonly seat: StudentQuota;
  readonly error: CliError;
}

const ALL_OLD = 'All figures are up to a minute old';

/** Whose figures are old, and why the first of them are. */
function noteOf(failed: readonly Failed[], all: readonly StudentQuota[]): string | undefined {
  const [first] = failed;
  if (first === undefined) return undefined;
  const old =
    failed.length === all.length
      ? ALL_OLD
      : `The figures of ${namesOf(failed.map(({ seat }) => seat))} are up to a minute old`;
  return `${old}: ${first.error.problem.what}`;
}

async function ask(gateway: Gateway, id: string, apiKey: string): Promise<StudentFigures | undefined> {
  const answer = gateway.ask({ method: 'GET', path: '/usage', apiKey, deadlineMs: DEADLINE_MS });
  return figuresOfAnswer(id, await jsonOf(answer));
}

/** A class of hundreds must not open hundreds of connections. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(work))));
  }
  return results;
}
