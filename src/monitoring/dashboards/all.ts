import { CLASS } from './class.ts';
import type { Dashboard } from './dashboard.ts';
import { ENGINES } from './engines.ts';
import { FAIRNESS } from './fairness.ts';
import { GATEWAY_DASHBOARD } from './gateway.ts';
import { OPERATOR_DASHBOARD } from './operator.ts';

/** From what a trainer asks to what a platform engineer asks. */
export const DASHBOARDS: readonly Dashboard[] = [
  CLASS,
  FAIRNESS,
  ENGINES,
  GATEWAY_DASHBOARD,
  OPERATOR_DASHBOARD,
];
