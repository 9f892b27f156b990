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
    name: 'open',
    summary: 'Opens a class, also for a while outside of its timetable',
    load: async () => (await import('./open/command.ts')).openCommand,
  },
  {
    name: 'close',
    summary: 'Closes a class for all until it is opened again',
    load: async () => (await import('./close/command.ts')).closeCommand,
  },
  {
    name: 'extend',
    summary: 'Lets a class that is open close later',
    load: async () => (await import('./extend/command.ts')).extendCommand,
  },
  {
    name: 'exam',
    summary: 'Begins and ends an exam',
    load: async () => (await import('./exam/command.ts')).examCommand,
  },
  {
    name: 'boost',
    summary: 'Raises the limits of a class or a student for a while',
    load: async () => (await import('./boost/command.ts')).boostCommand,
  },
  {
    name: 'suspend',
    summary: 'Refuses students until they are resumed',
    load: async () => (await import('./suspend/command.ts')).suspendCommand,
  },
  {
    name: 'resume',
    summary: 'Lets suspended students go on',
    load: async () => (await import('./resume/command.ts')).resumeCommand,
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
    name: 'top',
    summary: 'Who works in a class: requests, refusals, waits and tokens of each student, live',
    load: async () => (await import('./top/command.ts')).topCommand,
  },
  {
    name: 'report',
    summary: 'What a class did, by student and by day, session or course; and what its GPUs did',
    load: async () => (await import('./report/command.ts')).reportCommand,
  },
  {
    name: 'logs',
    summary: 'What the engines write, with known causes of failures marked',
    load: async () => (await import('./logs/command.ts')).logsCommand,
  },
  {
    name: 'doctor',
    summary: 'What is wrong with cluster, class or gateway, and what to do',
    load: async () => (await import('./doctor/command.ts')).doctorCommand,
  },
  {
    name: 'chat',
    summary: 'Talk to a class as one of its students',
    load: async () => (await import('./chat/command.ts')).chatCommand,
  },
  {
    name: 'completion',
    summary: 'A script that lets the shell complete what you type',
    load: async () => (await import('./completion/command.ts')).completionCommand,
  },
];
