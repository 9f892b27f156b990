import type { EngineTimeBook } from './ledger/engine-time.ts';
import type { ReportReader } from './ledger/report-reader.ts';
import type { UsageReader } from './ledger/usage-reader.ts';
import type { Admission } from './limits/admission.ts';
import type { Peers } from './queue/peers.ts';

/** How the place is where limits and used tokens are kept. */
export interface StateHealth {
  /** False: new requests are refused. */
  readonly ok: boolean;
  /** What is wrong; undefined: nothing. */
  readonly trouble: string | undefined;
}

/** Figures of a store that several gateways share. */
export interface StateStoreFigures {
  /** It decides now. */
  readonly isUp: boolean;
  /** Requests that were admitted without it. */
  readonly degradedRequests: number;
  /** Ended requests that wait to be booked. */
  readonly unbooked: number;
  /** Gateways that share it, as far as is known, this one among them. */
  readonly replicas: number;
}

/** Where a gateway keeps limits and used tokens: in a file of its own, or in a store that several gateways share. */
export interface GatewayState {
  readonly admission: Admission;
  readonly usage: UsageReader;
  /** All that was booked, and what engines did. */
  readonly reports: ReportReader & EngineTimeBook;
  readonly peers: Peers;
  readonly health: () => StateHealth;
  /** Undefined: nobody shares it. */
  readonly figures: (() => StateStoreFigures) | undefined;
  /** When no request runs any more. */
  close(): Promise<void>;
}
