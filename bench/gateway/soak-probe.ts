/** Loaded into the gateway's process before it starts: answers every message of the soak with what the process holds. */

const collectGarbage: unknown = Reflect.get(globalThis, 'gc');

process.on('message', () => {
  if (typeof collectGarbage === 'function') collectGarbage();
  const resources = Map.groupBy(process.getActiveResourcesInfo(), (name) => name);
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({
    rss,
    heapUsed,
    external,
    resources: Object.fromEntries([...resources].map(([name, all]) => [name, all.length])),
  });
});
// The channel alone must not keep the gateway from ending.
process.channel?.unref();
