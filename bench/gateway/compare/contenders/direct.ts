import type { StartContender } from '../contender.ts';

/** The upstream itself: what all others add to. */
export const startDirect: StartContender = async ({ upstreams }) => ({
  name: 'direct',
  target: (kind) => ({
    host: '127.0.0.1',
    port: kind === 'answer' ? upstreams.answerPort : upstreams.streamPort,
    path: '/v1/chat/completions',
    headers: [{}],
    model: 'tiny',
  }),
  pid: undefined,
  stop: async () => {},
});
