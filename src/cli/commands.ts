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
  lazily('status', 'How a class is, and what to do next', async () => {
    const { statusCommand } = await import('./status/command.ts');
    return statusCommand;
  }),
  lazily('describe', 'All that the cluster says of a class or a student', async () => {
    const { describeCommand } = await import('./describe/command.ts');
    return describeCommand;
  }),
];
