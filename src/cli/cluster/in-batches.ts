/** Requests of one command that are under way together: a class is written in a moment, and nobody else waits long. */
const BATCH_SIZE = 8;

/**
 * Does some work for each item, a few at a time. What fails does not stop its batch, and no batch after it is begun.
 *
 * @returns those that are done, and the first error
 */
export async function inBatches<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
  onProgress: (count: number) => void = () => {},
): Promise<{ done: Item[]; error?: unknown }> {
  const done: Item[] = [];
  for (let start = 0; start < items.length; start += BATCH_SIZE) {
    const batch = items.slice(start, start + BATCH_SIZE);
    const settled = await Promise.allSettled(batch.map(work));
    done.push(...batch.filter((_, place) => settled[place]?.status === 'fulfilled'));
    onProgress(done.length);
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) return { done, error: failed.reason };
  }
  return { done };
}
