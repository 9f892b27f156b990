/**
 * Names of all keys. Those of one class have its name as their hash tag, so that one script can use them all.
 *
 * @see https://valkey.io/topics/cluster-spec/#hash-tags
 */
export interface Keyspace {
  /** Whether the server can be written is tried with it. */
  readonly probe: string;
  /** The replicas of the gateway. */
  readonly replicas: string;
  /** What replicas tell each other of a class. */
  peers(classroomKey: string): string;
  /** `KEYS` of the scripts of a class's limits and ledger, in the order that scripts/state.lua.ts describes. */
  classroom(classroomKey: string): readonly string[];
}

/** @param prefix goes before every name; without braces */
export function keyspaceOf(prefix: string): Keyspace {
  const tagged = (classroomKey: string): string => `${prefix}{${classroomKey}}`;
  return {
    probe: `${prefix}probe`,
    replicas: `${prefix}replicas`,
    peers: (classroomKey) => `${tagged(classroomKey)}:peers`,
    classroom: (classroomKey) => CLASSROOM_KEYS.map((name) => `${tagged(classroomKey)}:${name}`),
  };
}

/** Those with a colon at the end are prefixes. */
const CLASSROOM_KEYS = [
  'subjects',
  'leases',
  'deadlines',
  'ended:',
  'used:',
  'total:',
  'active:',
  'engines:',
  'days',
];
