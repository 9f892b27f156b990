import { type Command, lazily } from './command.ts';

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  lazily('plan', 'Does a model fit a GPU, and how many students does an engine carry?', async () => {
    const { plan } = await import('./plan/command.ts');
    return { run: plan };
  }),
  lazily('get', 'Classes, students or engines as a table, as YAML or as JSON', async () => {
    const { getCommand } = await import('./get/command.ts');
    return getCommand;
  }),
];
