import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { parseJson } from '../../json/parse.ts';
import { type CallScope, openCallScope } from '../../kube/call-scope.ts';
import { KubeApiError } from '../../kube/errors.ts';
import type { Cluster } from '../cluster/command.ts';
import { problems } from '../problems.ts';
import { type GatewayRoute, routeOf } from './route.ts';

/** One request of a student. */
export interface GatewayCall {
  readonly method: 'GET' | 'POST';
  /** After the `/v1` of the base URL: `/models`. */
  readonly path: string;
  readonly apiKey: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** For the answer to begin, ms. */
  readonly deadlineMs: number;
}

/** The gateway of a class, as its students have it. */
export interface Gateway {
  /** How it is reached, for messages: `http://10.0.0.1/v1`. */
  readonly place: string;
  /**
   * The body of an answer, as it comes. The connection ends with the iteration.
   *
   * @throws CliError when it cannot be reached, or refuses, in its own words
   */
  ask(call: GatewayCall): AsyncGenerator<string, void, void>;
}

/** Long enough for any answer; the gateway's own limits are shorter. */
const LIFETIME_MS = 3_600_000;

/**
 * The gateway that the status of a class names.
 *
 * @param url in its place, for who has another way, such as a port that is forwarded
 * @throws CliError when nobody has said where it is
 */
export function gatewayOf(
  { metadata, status }: Pick<Classroom, 'metadata' | 'status'>,
  cluster: Pick<Cluster, 'client' | 'machine'>,
  url: string | undefined,
): Gateway {
  const baseURL = url ?? status?.baseURL;
  if (baseURL === undefined) throw problems.gatewayUnknown({ classroom: metadata.name });
  const route = routeOf(baseURL);
  switch (route.via) {
    case 'Network':
      return { place: route.baseURL, ask: (call) => askByNetwork(route.baseURL, call, cluster) };
    case 'APIServer':
      return {
        place: `${baseURL}, through the API server`,
        ask: (call) => askThroughApiServer(route, call, cluster),
      };
  }
}

async function* askByNetwork(
  baseURL: string,
  { method, path, apiKey, body, deadlineMs }: GatewayCall,
  { machine: { clock, signal } }: Pick<Cluster, 'machine'>,
): AsyncGenerator<string, void, void> {
  const scope = openCallScope({ clock, signal, deadlineMs });
  try {
    // Loaded here: help gets along without HTTP.
    const { request } = await import('undici');
    const answer = await request(`${baseURL}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: scope.signal,
      // Deadlines are ours: an engine that starts takes minutes.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    if (answer.statusCode >= 300) throw refusalOf(answer.statusCode, await answer.body.text());
    scope.arm(LIFETIME_MS);
    yield* texts(answer.body);
  } catch (error) {
    throw networkProblem(error, baseURL, scope);
  } finally {
    scope.close();
  }
}

function networkProblem(error: unknown, place: string, scope: CallScope): unknown {
  if (scope.endedBy === 'signal') return problems.interrupted();
  if (scope.endedBy === 'deadline') return problems.gatewaySilent({ place });
  const failure = networkErrorSchema.safeParse(error).data;
  if (failure === undefined) return error;
  return problems.gatewayUnreachable({ place, why: failure.message || failure.code });
}

/** Everything that goes wrong on the network has a code; a fault of ours has none. */
const networkErrorSchema = z.object({ code: z.string(), message: z.string() });

/** `Authorization` is for the API server, which takes it away; the gateway takes the key in another header as well. */
async function* askThroughApiServer(
  { namespace, service, path: base }: Extract<GatewayRoute, { via: 'APIServer' }>,
  { method, path, apiKey, body, deadlineMs }: GatewayCall,
  { client }: Pick<Cluster, 'client'>,
): AsyncGenerator<string, void, void> {
  try {
    const stream = await client.open(method, base + path, {
      headers: { 'x-api-key': apiKey },
      accept: '*/*',
      ...(body === undefined ? {} : { body }),
      deadlineMs,
      lifetimeMs: LIFETIME_MS,
    });
    try {
      yield* texts(stream.body);
    } catch (error) {
      throw stream.explain(error);
    } finally {
      stream.close();
    }
  } catch (error) {
    throw proxyProblem(error, `${namespace}/${service}`);
  }
}

/** What the gateway itself says has no Status; the API server's own refusals have. */
function proxyProblem(error: unknown, service: string): unknown {
  if (!(error instanceof KubeApiError)) return error;
  const { status, reason, details, message } = error;
  if (typeof details === 'string' && errorSchema.safeParse(parseJson(details)).success) {
    return refusalOf(status, details);
  }
  if (reason === 'DeadlineExceeded') return problems.gatewaySilent({ place: `the Service ${service}` });
  switch (status) {
    case 403:
      return problems.gatewayNotAllowed({ service, why: message });
    case 404:
    case 500:
    case 502:
    case 503:
    case 504:
      return problems.gatewayUnreachable({ place: `the Service ${service}`, why: message });
    default:
      return error;
  }
}

/** OpenAI's shape and Anthropic's: https://platform.openai.com/docs/guides/error-codes */
const errorSchema = z.object({
  error: z.object({ message: z.string(), code: z.string().nullish() }),
});

function refusalOf(status: number, text: string): Error {
  const error = errorSchema.safeParse(parseJson(text)).data?.error;
  return problems.gatewayRefused({
    status,
    code: error?.code ?? undefined,
    why: error?.message ?? 'It gave no reason: it may not be a gateway of this product that answers there.',
  });
}

async function* texts(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
}

/** All of an answer that is JSON; undefined where it is none. */
export async function jsonOf(answer: AsyncIterable<string>): Promise<unknown> {
  let text = '';
  for await (const part of answer) text += part;
  return parseJson(text);
}
