/** What one replica has to do for one class right now. */
export interface ClassActivity {
  /** Requests that wait or run here. */
  readonly requests: number;
  /** Weight of each student who has such a request, by id. */
  readonly weights: ReadonlyMap<string, number>;
}

/** Tells what its replica has to do; asked a few times a second. */
export interface ActivitySource {
  /** Keys of the classes that have requests here. */
  activeClassrooms(): Iterable<string>;
  /** Undefined: nothing waits or runs. */
  activityOf(classroomKey: string): ClassActivity | undefined;
  /** The share of the class may be another one now: what waits may have its turn. */
  shareChanged(classroomKey: string): void;
}

/**
 * The other replicas of the gateway, as the queue of this one sees them.
 *
 * Each replica orders its own queue. Two things make the order fair over all of them: what a student got elsewhere
 * counts here too, and the class's capacity is divided by who waits where. What is known of the others is as old as
 * the last exchange, so both hold up to what happens in between; nothing here waits.
 */
export interface Peers {
  /** Must be called once, before anything else is asked. */
  observe(local: ActivitySource): void;
  /**
   * Tells of service that a student got from this replica: called wherever its counter grows (or shrinks, at the
   * correction), with the same amount before the division by the weight.
   */
  served(classroomKey: string, studentId: string, amount: number): void;
  /**
   * How much of a capacity of the class this replica may use now: divided by the weights of the active students (one
   * who is active at several replicas counts in parts), and what a replica has no requests for goes to the others.
   *
   * @param capacity requests that the class's engines take at a time
   * @returns at most `capacity`, and at least 1 when `capacity` is, so that no replica starves
   */
  shareOf(classroomKey: string, capacity: number): number;
  /**
   * What students got from the other replicas since the last call, in the unit of {@link served}, by student. Has
   * students who are not active here as well.
   */
  drainRemoteService(classroomKey: string): ReadonlyMap<string, number>;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

/** There is one replica: it has everything. */
export const noPeers: Peers = {
  observe() {},
  served() {},
  shareOf: (_, capacity) => capacity,
  drainRemoteService: () => NOTHING,
};
