import type { Runnable } from '../command.ts';
import { groupOf } from '../group.ts';

/** `kubectl classroom exam`. */
export const examCommand: Runnable = groupOf({
  name: 'exam',
  description: 'Begins and ends an exam: only those who sit it are served, all on the same terms.',
  commands: [
    {
      name: 'start',
      summary: 'Begins an exam',
      load: async () => (await import('./start-command.ts')).examStartCommand,
    },
    {
      name: 'stop',
      summary: 'Ends it; everything is as it was before',
      load: async () => (await import('./stop-command.ts')).examStopCommand,
    },
  ],
});
