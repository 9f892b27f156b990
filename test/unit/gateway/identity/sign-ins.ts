import { type ClientRequest, createClientAddress } from '../../../../src/gateway/http/client-address.ts';
import { createFailedAttempts } from '../../../../src/gateway/identity/failed-attempts.ts';
import { createSignIn, type SignIn, type SignInOptions } from '../../../../src/gateway/identity/sign-in.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { aDirectory } from '../builders.ts';

/** As much of a request as signing in reads. */
export function requestWith(authorization: string | undefined, remoteAddress = '192.0.2.1'): ClientRequest {
  return { headers: authorization === undefined ? {} : { authorization }, socket: { remoteAddress } };
}

/** Signing in with keys, without a limit of failures; a test states only what differs. */
export function aSignIn(differs: Partial<SignInOptions> & { nowMs?: number } = {}): SignIn {
  const clock = createFakeClock(differs.nowMs);
  return createSignIn({
    directory: aDirectory(),
    clock,
    isSynced: () => true,
    tokens: undefined,
    failedAttempts: createFailedAttempts({ perMinute: 0, clock }),
    clientAddress: createClientAddress([]),
    ...differs,
  });
}
