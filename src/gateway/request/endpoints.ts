import { type Refusal, refuse } from '../errors.ts';

/** What a student may call on an engine. The path that goes upstream is always one of these constants. */
export const ENGINE_PATHS = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/messages',
] as const;
export type EnginePath = (typeof ENGINE_PATHS)[number];

export type Route =
  | { readonly kind: 'engine'; readonly path: EnginePath }
  | { readonly kind: 'models' }
  | { readonly kind: 'model'; readonly model: string }
  | { readonly kind: 'usage' }
  | { readonly kind: 'report'; readonly query: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export const MODELS_PATH = '/v1/models';
export const USAGE_PATH = '/v1/usage';
export const REPORT_PATH = '/v1/classroom/report';
/** Longer ones are cut in messages: they are the client's text. */
const SHOWN_PATH_LENGTH = 100;

const enginePaths: ReadonlySet<string> = new Set(ENGINE_PATHS);

/**
 * Compares the raw request target with the list, byte by byte: nothing is decoded, resolved or cleaned up, so that
 * there is no second spelling of a path (`%2e%2e`, `//`, `/v1/./`, an absolute URL) that leads anywhere.
 *
 * @param target the request target as it came
 */
export function routeOf(method: string, target: string): Route {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  if (isEnginePath(path)) {
    return method === 'POST' ? { kind: 'engine', path } : notAllowed(method, path, 'POST');
  }
  if (path === USAGE_PATH) return method === 'GET' ? { kind: 'usage' } : notAllowed(method, path, 'GET');
  if (path === REPORT_PATH) {
    return method === 'GET'
      ? { kind: 'report', query: query < 0 ? '' : target.slice(query + 1) }
      : notAllowed(method, path, 'GET');
  }
  const model = path === MODELS_PATH ? '' : modelOf(path);
  if (model === undefined) {
    return { kind: 'refused', refusal: refuse('unknown_path', { method, path: shown(path) }) };
  }
  if (method !== 'GET') return notAllowed(method, path, 'GET');
  return model === '' ? { kind: 'models' } : { kind: 'model', model };
}

function isEnginePath(path: string): path is EnginePath {
  return enginePaths.has(path);
}

/** The name after `/v1/models/`; clients write the slash of `org/model` plain or encoded. It is only compared. */
function modelOf(path: string): string | undefined {
  const prefix = `${MODELS_PATH}/`;
  if (!path.startsWith(prefix) || path.length === prefix.length) return undefined;
  try {
    return decodeURIComponent(path.slice(prefix.length));
  } catch {
    // Not percent-encoding: a name that no class has.
    return undefined;
  }
}

function notAllowed(method: string, path: string, allowed: string): Route {
  const details = { method, path: shown(path), allowed };
  return { kind: 'refused', refusal: refuse('method_not_allowed', details, { headers: { allow: allowed } }) };
}

function shown(path: string): string {
  return path.length > SHOWN_PATH_LENGTH ? `${path.slice(0, SHOWN_PATH_LENGTH)}…` : path;
}
