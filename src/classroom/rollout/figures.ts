import type { ClassroomSpec, ClassroomStatus, EnginePlanStatus } from '../../api/classroom.ts';
import { servedNameOf } from '../../api/model.ts';
import type { RolledOut } from './rolled-out.ts';

/** The schema of the status holds no more. */
const WARNINGS_MAX = 16;

/** What the status says of the engines that run or are being started: while a change waits, as before it. */
export function runningFigures(
  engines: { rolledOut: RolledOut; replicas: number } | undefined,
  spec: ClassroomSpec,
  activeSeats: number,
): Pick<ClassroomStatus, 'replicas' | 'servedName' | 'plan'> {
  if (engines === undefined) return { replicas: 0, servedName: servedNameOf(spec.model) };
  const { replicas, rolledOut } = engines;
  return {
    replicas,
    servedName: rolledOut.servedName,
    ...(rolledOut.plan === undefined ? {} : { plan: withCrowding(rolledOut.plan, activeSeats, spec) }),
  };
}

/** Too few sequences cost up to a factor of five in throughput (40 students, 10 sequences, H100), so it is said. */
function withCrowding(plan: EnginePlanStatus, seats: number, { engine }: ClassroomSpec): EnginePlanStatus {
  const { studentsPerReplica = seats, warnings = [] } = plan;
  const { max } = engine.replicas;
  if (seats <= studentsPerReplica * max) return plan;
  const crowding = `${seats} students are more than ${max} × ${studentsPerReplica}: some will wait. Raise \`engine.replicas.max\` where there are GPUs, else \`engine.replicas.studentsPerReplica\`.`;
  return { ...plan, warnings: [...warnings.slice(0, WARNINGS_MAX - 1), crowding] };
}
