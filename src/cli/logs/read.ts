import { stripVTControlCharacters } from 'node:util';
import { ENGINE_CONTAINER } from '../../api/labels.ts';
import type { KubeClient } from '../../kube/client.ts';
import { pathOf, queryOf } from '../../kube/paths.ts';
import { type Pod, pods } from '../../kube/resources.ts';
import { printable } from '../printable.ts';

/** Which part of a log. */
export interface LogPart {
  /** Lines from the end; undefined: all. */
  readonly tail?: number | undefined;
  /** Only what is not older, ms. */
  readonly sinceMs?: number | undefined;
  /** Of the container before the present one. */
  readonly previous: boolean;
  /** Goes on until the container ends. */
  readonly follow: boolean;
}

/** A lesson is shorter; the API server's own limit, where there is one, comes first. */
const FOLLOW_MS = 24 * 3_600_000;
const READ_MS = 10 * 60_000;

/**
 * The log of an engine, line by line, for a terminal: without colours and whatever else a terminal obeys. Engines write
 * what students and models wrote.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#http-get-1
 * @throws KubeApiError where the kubelet has none, or cannot be asked
 */
export async function* readLog(
  client: Pick<KubeClient, 'open'>,
  { metadata }: Pod,
  { tail, sinceMs, previous, follow }: LogPart,
): AsyncGenerator<string, void, void> {
  const query = queryOf({
    container: ENGINE_CONTAINER,
    tailLines: tail,
    sinceSeconds: sinceMs === undefined ? undefined : Math.max(1, Math.ceil(sinceMs / 1000)),
    previous: previous || undefined,
    follow: follow || undefined,
  });
  const stream = await client.open('GET', pathOf(pods, metadata, 'log') + query, {
    accept: '*/*',
    lifetimeMs: follow ? FOLLOW_MS : READ_MS,
  });
  try {
    for await (const line of linesOf(stream.body)) yield printable(stripVTControlCharacters(line));
  } catch (error) {
    throw stream.explain(error);
  } finally {
    stream.close();
  }
}

/** The last line may lack its end: the container still writes it, or ended in it. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
