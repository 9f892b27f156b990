// What `helm test` runs: the gateway refuses a request without a key, in its own words, and the operator is ready.
const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 120_000);
const PAUSE_MS = 1_000;

const checks = [
  {
    name: 'the gateway asks for a key',
    url: `${process.env.GATEWAY_URL}/v1/models`,
    isRight: async (answer) =>
      answer.status === 401 && (await answer.json()).error?.code === 'missing_api_key',
  },
  {
    name: 'the operator is ready',
    url: `${process.env.OPERATOR_URL}/readyz`,
    isRight: async (answer) => answer.ok,
  },
];

async function attempt({ url, isRight }) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    const { status } = answer;
    return (await isRight(answer)) ? undefined : `unexpected answer with status ${status}`;
  } catch (error) {
    return error.cause?.message ?? error.message;
  }
}

async function pass(check) {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const trouble = await attempt(check);
    if (trouble === undefined) return console.log(`ok: ${check.name}`);
    if (performance.now() > endMs) throw new Error(`${check.name}: ${check.url}: ${trouble}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

const results = await Promise.allSettled(checks.map(pass));
for (const { reason } of results.filter(({ status }) => status === 'rejected')) console.error(reason.message);
process.exitCode = results.every(({ status }) => status === 'fulfilled') ? 0 : 1;
