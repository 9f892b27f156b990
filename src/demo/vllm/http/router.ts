import type { ServingContext } from '../serving/context.ts';
import { errors } from './errors.ts';
import type { Exchange } from './exchange.ts';

export type Handler = (context: ServingContext, exchange: Exchange) => void | Promise<void>;

/** One path and what it answers, by method. */
export interface Route {
  /** As FastAPI writes it: `/v1/responses/{response_id}`. */
  readonly pattern: string;
  readonly methods: Readonly<Record<string, Handler>>;
  /** Counts for `GET /load`. */
  readonly loads?: boolean;
}

interface Compiled {
  readonly route: Route;
  readonly expression: RegExp;
}

/** Finds routes the way FastAPI does: unknown path 404, known path with another method 405. */
export class Router {
  readonly #exact = new Map<string, Route>();
  readonly #patterns: readonly Compiled[];

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#exact.set(route.pattern, route);
    this.#patterns = routes
      .filter(({ pattern }) => pattern.includes('{'))
      .map((route) => ({
        route,
        expression: new RegExp(`^${route.pattern.replace(/\{\w+\}/g, '[^/]+')}$`),
      }));
  }

  find(path: string): Route | undefined {
    return this.#exact.get(path) ?? this.#patterns.find(({ expression }) => expression.test(path))?.route;
  }

  /** @throws {DetailError} 405 that names the methods there are */
  static handler(route: Route, method: string): Handler {
    const handler = route.methods[method];
    if (handler === undefined) throw errors.methodNotAllowed(Object.keys(route.methods).join(', '));
    return handler;
  }
}
