import type { Command } from './command.ts';

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'plan',
    summary: 'Does a model fit a GPU, and how many students does an engine carry?',
    load: async () => (await import('./plan/command.ts')).planCommand,
  },
  {
    name: 'create',
    summary: 'Makes a class: which model, on which GPU, for how many students',
    load: async () => (await import('./create/command.ts')).createCommand,
  },
  {
    name: 'enroll',
    summary: 'Gives the students of a roster their seats',
    load: async () => (await import('./enroll/command.ts')).enrollCommand,
  },
  {
    name: 'keys',
    summary: 'Hands keys out, replaces them, ends them',
    load: async () => (await import('./keys/command.ts')).keysCommand,
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
