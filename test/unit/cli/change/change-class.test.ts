import { expect, test } from '@jest/globals';
import { changeClass } from '../../../../src/cli/change/change-class.ts';
import { closingOfClass } from '../../../../src/cli/close/close.ts';
import { classroom, merged } from '../../../support/builders.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { recordedMachine } from '../../../support/terminal.ts';
import { apiServer } from './api-server.ts';
import { IN_SESSION } from './classes.ts';

const found = classroom({ metadata: { resourceVersion: '1' } });
const CLOSE = closingOfClass('ms-chen');

/** Closes the class while somebody else does something before the first write is looked at. */
async function close(
  { yes = false, dryRun = false }: { yes?: boolean; dryRun?: boolean },
  difference: object = {},
): Promise<{ asked: string[]; sent: unknown[]; stderr: string }> {
  let raced = false;
  const { client, sent } = apiServer(found, (there) => {
    if (raced || Object.keys(difference).length === 0) return there;
    raced = true;
    return merged(merged(there, { metadata: { resourceVersion: '2' } }), difference);
  });
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    return 'y';
  };
  const machine = recordedMachine({ ask, clock: createFakeClock(Date.parse(IN_SESSION)) });
  const cluster = { client, machine, contextName: 'test', server: 'https://x', namespace: 'python-101' };
  await changeClass(found, CLOSE, { yes, dryRun }, cluster);
  return { asked, sent, stderr: machine.written().stderr };
}

const EXAM_BEGINS = { spec: { access: 'Exam', exam: { students: ['alice'] } } };

test('what is agreed to is asked once', async () => {
  expect((await close({})).asked).toHaveLength(1);
});

test('a status that is written meanwhile is nothing to ask about again', async () => {
  const { asked, sent } = await close({}, { status: { replicas: 2 } });
  expect(asked).toHaveLength(1);
  expect(sent).toHaveLength(2);
});

test('where somebody else begins an exam meanwhile, it is asked whether that is to end, too', async () => {
  const { asked, sent } = await close({}, EXAM_BEGINS);
  expect(asked).toEqual([
    expect.not.stringContaining('exam'),
    expect.stringMatching(/Its exam ends\. Go on\? \[y\/N\] $/),
  ]);
  expect(sent).toEqual([expect.objectContaining({ spec: { access: 'Closed' } }), { dryRun: false }]);
});

test('nobody is asked with --yes, nor for a dry run', async () => {
  expect((await close({ yes: true })).asked).toEqual([]);
  const { asked, sent, stderr } = await close({ dryRun: true });
  expect(asked).toEqual([]);
  expect(sent.at(-1)).toEqual({ dryRun: true });
  expect(stderr).toMatch(/^Nothing was changed\. With it:\npython-101 is closed until somebody opens it: /);
});
