import type { Command } from './command.ts';

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'plan',
    summary: 'Does a model fit a GPU, and how many students does an engine carry?',
    load: async () => (await import('./plan/command.ts')).planCommand,
  },
  {
    name: 'get',
    summary: 'Classes, students or engines as a table, as YAML or as JSON',
    load: async () => (await import('./get/command.ts')).getCommand,
  },
  {
    name: 'status',
    summary: 'How a class is, and what to do next',
    load: async () => (await import('./status/command.ts')).statusCommand,
  },
  {
    name: 'describe',
    summary: 'All that the cluster says of a class or a student',
    load: async () => (await import('./describe/command.ts')).describeCommand,
  },
  {
    name: 'completion',
    summary: 'A script that lets the shell complete what you type',
    load: async () => (await import('./completion/command.ts')).completionCommand,
  },
];
