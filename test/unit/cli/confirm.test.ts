import { describe, expect, test } from '@jest/globals';
import { confirm } from '../../../src/cli/confirm.ts';
import { recordedMachine } from '../../support/terminal.ts';

const WHAT = 'This revokes the keys of 3 students.';

/** Somebody who gives this answer. */
const person = (answer: string) => {
  const questions: string[] = [];
  const machine = recordedMachine({
    ask: async (question) => {
      questions.push(question);
      return answer;
    },
  });
  return { machine, questions };
};

describe('what destroys', () => {
  test.each(['y', 'Y', 'yes', ' yes '])('goes on when the answer is "%s"', async (answer) => {
    const { machine, questions } = person(answer);
    await confirm(WHAT, { yes: false }, machine);
    expect(questions).toEqual([`${WHAT} Go on? [y/N] `]);
  });

  test.each(['', 'n', 'no', 'yep'])('stops when the answer is "%s"', async (answer) => {
    await expect(confirm(WHAT, { yes: false }, person(answer).machine)).rejects.toMatchObject({
      problem: { what: 'Not confirmed.', next: 'Nothing was changed.' },
    });
  });

  test('asks nobody with --yes', async () => {
    const { machine, questions } = person('no');
    await confirm(WHAT, { yes: true }, machine);
    expect(questions).toEqual([]);
  });

  test('stops where nobody is there to ask', async () => {
    await expect(confirm(WHAT, { yes: false }, recordedMachine())).rejects.toMatchObject({
      problem: { what: expect.stringContaining(WHAT), next: expect.stringContaining('--yes'), exitCode: 2 },
    });
  });
});
