import { z } from 'zod';
import type { ValkeyConnection } from './connection.ts';
import { exchangeScript } from './scripts/exchange.ts';

/** Where the replicas leave what the others shall know of them. */
export interface ReplicaBoard {
  /**
   * Leaves a text and reads the others' in one step.
   *
   * @param text empty: takes this replica off the board
   * @returns by replica; without this one, and without those that were silent for the time to live
   * @throws StateStoreUnavailableError
   */
  exchange(board: string, text: string): Promise<ReadonlyMap<string, string>>;
}

export interface ReplicaBoardOptions {
  readonly connection: ValkeyConnection;
  readonly replicaId: string;
  /** After which a silent replica counts as gone. */
  readonly ttlMs: number;
  /** Lua; see {@link exchangeScript}. */
  readonly time: string;
}

const replySchema = z.array(z.string());

/** Boards are hashes of the server. */
export function createReplicaBoard({
  connection,
  replicaId,
  ttlMs,
  time,
}: ReplicaBoardOptions): ReplicaBoard {
  const script = exchangeScript(time);
  return {
    async exchange(board, text) {
      const reply = replySchema.parse(
        await connection.run(script, [board], [replicaId, text, String(ttlMs)]),
      );
      const others = new Map<string, string>();
      for (let i = 0; i + 1 < reply.length; i += 2) others.set(reply[i] ?? '', reply[i + 1] ?? '');
      return others;
    },
  };
}
