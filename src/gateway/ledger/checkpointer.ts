import { Worker } from 'node:worker_threads';

/** At most so often. The first one is due so long after the opening: a short life needs no thread. */
const INTERVAL_MS = 1_000;

/**
 * A string, because the product is bundled into one file. A passive checkpoint waits for nobody and nobody waits for
 * it (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
 */
const CHECKPOINT_THREAD = `
  const { DatabaseSync } = require('node:sqlite');
  const { parentPort, workerData } = require('node:worker_threads');
  const db = new DatabaseSync(workerData);
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  parentPort.on('message', () => {
    checkpoint.get();
    parentPort.postMessage('done');
  });
`;

/** Moves the write-ahead log into the file, away from the event loop: each time it costs some ms of waiting for the disk. */
export interface Checkpointer {
  /** After a commit. @param nowMs monotonic */
  committed(nowMs: number): void;
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
  let working = false;
  let failed = false;

  const start = (): Worker => {
    const started = new Worker(CHECKPOINT_THREAD, { eval: true, workerData: path });
    started.unref();
    started.on('message', () => {
      working = false;
    });
    started.on('error', () => {
      failed = true;
    });
    return started;
  };
  return {
    committed(nowMs) {
      dueMs ??= nowMs + INTERVAL_MS;
      if (working || failed || nowMs < dueMs) return;
      dueMs = nowMs + INTERVAL_MS;
      working = true;
      worker ??= start();
      worker.postMessage('checkpoint');
    },
    stop: () => void worker?.terminate(),
  };
}
