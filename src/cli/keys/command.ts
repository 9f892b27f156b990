import type { Runnable } from '../command.ts';
import { groupOf } from '../group.ts';

/** `kubectl classroom keys`. */
export const keysCommand: Runnable = groupOf({
  name: 'keys',
  description: 'Hands out the keys of students, replaces them, and ends those that got into wrong hands.',
  commands: [
    {
      name: 'export',
      summary: 'The keys as a table, as .env files or as handouts to print',
      load: async () => (await import('./export.ts')).exportCommand,
    },
    {
      name: 'rotate',
      summary: 'New keys; the old ones work a while longer',
      load: async () => (await import('./rotate.ts')).rotateCommand,
    },
    {
      name: 'revoke',
      summary: 'Ends keys at once; new ones take their place',
      load: async () => (await import('./revoke.ts')).revokeCommand,
    },
  ],
});
