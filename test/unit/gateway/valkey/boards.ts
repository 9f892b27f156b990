import { StateStoreUnavailableError } from '../../../../src/gateway/valkey/connection.ts';
import type { ReplicaBoard } from '../../../../src/gateway/valkey/replica-board.ts';

/** Boards in memory, for all replicas of a test. Nobody dies here: that is the server's to find out. */
export class Boards {
  readonly texts = new Map<string, Map<string, string>>();
  isAway = false;

  of(replicaId: string): ReplicaBoard {
    return {
      exchange: async (board, text) => {
        if (this.isAway) throw new StateStoreUnavailableError('away');
        const texts = this.texts.get(board) ?? new Map<string, string>();
        this.texts.set(board, texts);
        if (text === '') texts.delete(replicaId);
        else texts.set(replicaId, text);
        return new Map([...texts].filter(([id]) => id !== replicaId));
      },
    };
  }
}
