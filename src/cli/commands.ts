import type { Command } from './command.ts';
import { planCommand } from './plan/command.ts';

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [planCommand];
