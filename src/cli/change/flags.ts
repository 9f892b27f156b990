import { nonEmpty, onOrOff } from '../../command-line/values.ts';
import { WAIT_FLAGS } from '../cluster/flags.ts';
import { WRITTEN_OUTPUT_FLAGS, WRITTEN_OUTPUT_SHAPE } from '../objects-output.ts';

/** Of commands that change something that is there: spread into their schema and flags. */
export const CHANGE_SHAPE = { dryRun: onOrOff, ...WRITTEN_OUTPUT_SHAPE };
export const CHANGE_FLAGS = {
  dryRun: { spelling: '--dry-run', about: 'let the cluster check it; change nothing' },
  ...WRITTEN_OUTPUT_FLAGS,
} as const;

/** Of commands for one class. */
export const CLASS_SHAPE = { class: nonEmpty.optional() };
export const CLASS_FLAGS = {
  class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
} as const;

/** Of commands whose effect at gateways is there at once: {@link WAIT_FLAGS} for whoever goes by the status. */
export const SEEN_FLAGS = {
  ...WAIT_FLAGS,
  wait: { ...WAIT_FLAGS.wait, about: 'come back when the operator has seen it' },
} as const;
