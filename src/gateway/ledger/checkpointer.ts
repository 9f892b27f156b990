import { Worker } from 'node:worker_threads';

/** At most so often. The first one is due so long after the opening: a short life needs no thread. */
const INTERVAL_MS = 1_000;
/** As long the end of the ledger waits for a checkpoint that is under way. */
const LAST_CHECKPOINT_MS = 5_000;

/** Of the word that both threads share. */
const [IDLE, WORKING] = [0, 1];

/**
 * A string, because the product is bundled into one file. A passive checkpoint waits for nobody and nobody waits for
 * it (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
 */
const CHECKPOINT_THREAD = `
  const { DatabaseSync } = require('node:sqlite');
  const { parentPort, workerData } = require('node:worker_threads');
  const { path, state } = workerData;
  const db = new DatabaseSync(path);
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  parentPort.on('message', () => {
    try {
      checkpoint.get();
    } finally {
      Atomics.store(state, 0, ${IDLE});
      Atomics.notify(state, 0);
    }
  });
`;

/** Moves the write-ahead log into the file, away from the event loop: each time it costs some ms of waiting for the disk. */
export interface Checkpointer {
  /** After a commit. @param nowMs monotonic */
  committed(nowMs: number): void;
  /** Waits for a checkpoint that is under way: SQLite lets no other one begin meanwhile, such as the last one. */
  stop(): void;
}

/**
 * When the thread fails, as on a full disk, the log grows until SQLite's own checkpoint takes over.
 *
 * @param path of a database in WAL mode
 */
export function createCheckpointer(path: string): Checkpointer {
  let worker: Worker | undefined;
  let dueMs: number | undefined;
  let failed = false;
  const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  const start = (): Worker => {
    const started = new Worker(CHECKPOINT_THREAD, { eval: true, workerData: { path, state } });
    started.unref();
    started.on('error', () => {
      failed = true;
    });
    return started;
  };
  return {
    committed(nowMs) {
      dueMs ??= nowMs + INTERVAL_MS;
      if (failed || nowMs < dueMs || Atomics.load(state, 0) === WORKING) return;
      dueMs = nowMs + INTERVAL_MS;
      Atomics.store(state, 0, WORKING);
      worker ??= start();
      worker.postMessage('checkpoint');
    },
    stop() {
      if (!failed) Atomics.wait(state, 0, WORKING, LAST_CHECKPOINT_MS);
      void worker?.terminate();
    },
  };
}
