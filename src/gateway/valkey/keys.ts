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
  /** What all keys of limits and ledger of a class begin with. */
  classroom(classroomKey: string): string;
}

/** @param prefix goes before every name; without braces */
export function keyspaceOf(prefix: string): Keyspace {
  const classroom = (classroomKey: string): string => `${prefix}{${classroomKey}}`;
  return {
    probe: `${prefix}probe`,
    replicas: `${prefix}replicas`,
    classroom,
    peers: (classroomKey) => `${classroom(classroomKey)}:peers`,
  };
}
