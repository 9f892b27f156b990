import { cell } from '../../markdown/table.ts';
import { type Cure, FAILURES } from './catalogue.ts';
import { describeExhausted, describeFailure, describeHeld, fill } from './describe.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';

/** `docs/engine-failures.md`. */
export function failuresReference(): string {
  const rows = Object.entries(FAILURES).map(
    ([reason, { sign, what, next, cure }]) =>
      `| \`${reason}\` | ${cell(sign)} | ${cell(fill(what, {}))} | ${cell(fill(next, {}))} | ${CURES[cure]} |`,
  );
  return `${[...HEAD, ...examples(), ...TABLE, ...rows, ...TAIL].join('\n')}\n`;
}

/** Every reason with what is wrong and the next step, as a table in Markdown. */
export function failuresInShort(): string {
  const rows = Object.entries(FAILURES).map(
    ([reason, { what, next }]) => `| \`${reason}\` | ${cell(fill(what, {}))} | ${cell(fill(next, {}))} |`,
  );
  return ['| reason | means | what to do |', '|---|---|---|', ...rows].join('\n');
}

/** Messages as they are in the condition, made by the code that makes them. */
function examples(): string[] {
  const small = ended(
    "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV cache is needed, which is larger than the available KV cache memory (4.33 GiB). Based on the available memory, the estimated maximum model length is 35472.",
  );
  const exhausted = { message: describeExhausted(ended('torch.OutOfMemoryError: CUDA out of memory.')) };
  const held = describeHeld(exhausted, { since: '2026-09-01T09:14:00Z' }, 'python-101');
  return [
    '```',
    `0 of 1 engine answers: engine python-101-engine-5fc5cb595b-b99gb fails: ${describeFailure(small)}`,
    '```',
    '```',
    `0 of 1 engine answers: ${held}`,
    '```',
  ];
}

function ended(message: string): Diagnosis {
  return diagnose({ kind: 'ended', end: { exitCode: 1, message }, startupSeconds: undefined });
}

const CURES: Readonly<Record<Cure, string>> = {
  Lowering: 'lowered',
  Spec: 'held after 2',
  Outside: 'held after 5, tried again',
  Itself: 'started again',
};

const HEAD = [
  '<!-- Generated from src/ by `npm run generate`: do not edit. -->',
  '',
  '# Why an engine fails, and what to do',
  '',
  'An engine that fails has one reason and one next step. They are in the condition `EnginesReady` (and so in `Ready`), in',
  '`status.engines`, and in an event when it begins:',
  '',
  '```',
  'kubectl get classroom python-101',
  'kubectl describe classroom python-101',
  '```',
  '',
  '## Where the reason comes from',
  '',
  'vLLM ends with exit code 1 after nearly every failed start, and with 0 when its engine has died while serving, so the',
  'exit code says little. The cause is in the log of the engine process. What Kubernetes passes on of a log by itself, the',
  'last 2048 bytes and nothing after exit code 0, ends with `See root cause above.` So the pods of the engines carry a',
  "logging configuration (`VLLM_LOGGING_CONFIG_PATH`) that is vLLM's own but for one thing: errors that end the engine",
  'also go to the termination log of the container, which Kubernetes passes on after every end. It travels in an',
  'annotation of the pod and is mounted as a file; there is no wrapper around vLLM. An image that takes no such',
  'configuration still runs; the reason is then often `StartFailed`. Why so: [ADR 9](adr/0009-why-an-engine-ended.md).',
  '',
  '## What the operator does',
  '',
  '- **lowered**: the engine ran out of GPU memory. One setting is lowered and the engines are started anew, until they',
  '  fit: `MaxNumBatchedTokens` and `MaxNumSeqs` by half, twice at most; `MaxModelLen` by half (or to what vLLM estimates),',
  '  not below 2048; then the share of the GPU memory by a twentieth, four times at most. Each step is an event and a line',
  '  of `status.failures.memorySteps`; none goes below what a class can use. When nothing is left, the engines are held.',
  '  Healthy engines are not restarted for it outside what `engine.rollout` allows.',
  '- **held after 2**: the same start would fail for ever. After two of each engine the Deployment is scaled to 0, so that the GPU',
  '  is free for others, until `model`, `gpu` or `engine` of the spec changes.',
  '- **held after 5, tried again**: somebody can mend it outside the class. After five of each engine, ten minutes of the',
  "  kubelet's back-off, the engines are held for 15 minutes, after the next failure for 30, then 60, then 120.",
  '- **started again**: by the kubelet or the Deployment, without an end. Nothing is held.',
  '',
  'An engine that ends because its pod is deleted has not failed, however it ends.',
  '',
  'Each of it happens once, also when the operator is killed meanwhile ([ADR 10](adr/0010-failures-are-recorded-first.md)).',
  '',
  'Engines are never held while one of the class answers. A change of `model`, `gpu` or `engine` (replicas and rollout',
  'aside) forgets everything: what was lowered, what was counted, what is held. So does a new value of an annotation:',
  '',
  '```',
  'kubectl annotate classroom python-101 --overwrite gpu-classroom.io/retry="$(date)"',
  '```',
  '',
  '## How it reads',
  '',
  'A KV cache that is smaller than one request, and engines that are held because nothing is left to lower:',
  '',
];

const TABLE = [
  '',
  '## The reasons',
  '',
  '| reason | sign | what it means | next step | the operator |',
  '|---|---|---|---|---|',
];

const TAIL = [
  '',
  '## A node that is gone',
  '',
  'Kubernetes moves the engines itself, and the operator never deletes a pod by force: a node that does not answer may',
  'still run its containers, and two engines would then write to one volume.',
  '',
  '| what happened | what Kubernetes does | what you do |',
  '|---|---|---|',
  '| the node does not answer | after two minutes its engines are to end, and others are made where a GPU is free | nothing |',
  '| its model volume can be mounted on one node only | the new pod waits for the old one | when the node is off for good: `kubectl delete node NAME`, or `kubectl taint node NAME node.kubernetes.io/out-of-service=nodeshutdown:NoExecute` |',
  '| the Node object is gone, or has that taint | its pods are removed within a minute | nothing |',
  '| the node was drained or shut down | its pods end, and others are made | nothing |',
];
