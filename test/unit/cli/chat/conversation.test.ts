import { expect, test } from '@jest/globals';
import { converse } from '../../../../src/cli/chat/conversation.ts';
import { coloursFor } from '../../../../src/cli/colours.ts';
import type { Gateway, GatewayCall } from '../../../../src/cli/gateway/gateway.ts';
import { problems } from '../../../../src/cli/problems.ts';
import { recordedMachine } from '../../../support/terminal.ts';

const WHEN = 'The next one is possible at 10:32:05 (Europe/Berlin), in 12 s.';
const tooMany = problems.gatewayRefused({ status: 429, code: 'requests_per_minute_exceeded', why: WHEN });

/** Lets a person type these lines, to a gateway that answers so, one after the other. */
async function talk(lines: readonly string[], answers: readonly (string | Error)[]) {
  const calls: GatewayCall[] = [];
  const gateway: Gateway = {
    place: 'http://gateway/v1',
    async *ask(call) {
      const answer = answers[calls.push(call) - 1] ?? '';
      if (answer instanceof Error) throw answer;
      for (const content of answer)
        yield `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
      yield 'data: [DONE]\n\n';
    },
  };
  const machine = recordedMachine();
  const left = [...lines];
  const colours = coloursFor(machine.stderr, machine.env);
  const shared = { gateway, apiKey: 'key', model: 'qwen', maxTokens: undefined, deadlineMs: 1000 };
  const ended = await converse({ ...shared, machine, colours }, async () => left.shift() ?? '').catch(
    (error: unknown) => error,
  );
  return { ended, ...machine.written(), bodies: calls.map(({ body }) => body) };
}

test('what was said before goes along with each question', async () => {
  const { stdout, bodies } = await talk(['Hello?', 'And then?'], ['Hi.', 'That is all.']);
  expect(stdout).toBe('Hi.\nThat is all.\n');
  expect(bodies[1]).toMatchObject({
    messages: [
      { role: 'user', content: 'Hello?' },
      { role: 'assistant', content: 'Hi.' },
      { role: 'user', content: 'And then?' },
    ],
  });
});

test('a limit ends no conversation: it says when to try again, and the question was never asked', async () => {
  const { ended, stdout, stderr, bodies } = await talk(['One?', 'Two?', 'Two?'], ['1', tooMany, '2']);
  expect({ ended, stdout }).toEqual({ ended: undefined, stdout: '1\n2\n' });
  expect(stderr).toContain(WHEN);
  expect(bodies[2]).toMatchObject({
    messages: [{ content: 'One?' }, { content: '1' }, { content: 'Two?' }],
  });
});

test('a class that is closed ends it, and says when it opens and how', async () => {
  const why = 'Class python-101 is closed between its sessions. The next one is on Tuesday at 09:00.';
  const closed = problems.gatewayRefused({ status: 403, code: 'outside_session', why });
  const { ended } = await talk(['One?', 'Two?'], [closed]);
  expect(ended).toBe(closed);
  expect(closed.problem).toMatchObject({ why, next: expect.stringContaining('classroom open --for') });
});

test('commands for the terminal in an answer have no effect, and stay in the conversation as the model said them', async () => {
  const clears = '\u001b[2Jgone\u0007\n\tx';
  const { stdout, bodies } = await talk(['One?', 'Two?'], [clears, '']);
  expect(stdout).toBe('[2Jgone\n\tx\n');
  expect(bodies[1]).toMatchObject({ messages: [{}, { content: clears }, {}] });
});
