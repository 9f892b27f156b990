import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

const rowsSchema = z.array(
  z.object({
    student: z.string(),
    outcome: z.string(),
    requests: z.int(),
    promptTokens: z.int(),
    completionTokens: z.int(),
  }),
);

/** What a ledger says of each student, by outcome, and how many leases are open. */
export function readLedgerFile(path: string) {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = file
      .prepare(
        `SELECT student, outcome, sum(requests) AS requests, sum(prompt_tokens) AS promptTokens,
           sum(completion_tokens) AS completionTokens FROM usage GROUP BY student, outcome`,
      )
      .all();
    const { open } = z
      .object({ open: z.int() })
      .parse(file.prepare('SELECT count(*) AS open FROM leases').get());
    return { rows: rowsSchema.parse(rows), openLeases: open };
  } finally {
    file.close();
  }
}
