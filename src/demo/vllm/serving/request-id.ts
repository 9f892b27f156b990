import type { Exchange } from '../http/exchange.ts';
import type { ServingContext } from './context.ts';

/** The client's `X-Request-Id`, else the body's `request_id`, else a random one. Taken as it is, even twice. */
export const requestId = (context: ServingContext, exchange: Exchange, fromBody?: string | null): string =>
  exchange.header('x-request-id') ?? fromBody ?? context.newId();
