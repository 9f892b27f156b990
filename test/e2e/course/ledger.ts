import { expect } from '@jest/globals';
import { z } from 'zod';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';
import type { Counted, Play } from './play.ts';
import { CLASS } from './room.ts';
import { UNLUCKY } from './timetable.ts';

const figuresSchema = z.object({
  requests: z.int(),
  completed: z.int(),
  throttled: z.int(),
  promptTokens: z.int(),
  completionTokens: z.int(),
});
const reportSchema = z.object({
  total: figuresSchema,
  periods: z.array(
    figuresSchema.extend({
      day: z.string(),
      session: z.string().nullable(),
      students: z.array(figuresSchema.extend({ student: z.string() })),
    }),
  ),
});

type Figures = z.infer<typeof figuresSchema>;

/** The report of a class by session, as a trainer makes it. */
async function reportOf({ school, room }: Play): Promise<z.infer<typeof reportSchema>> {
  await school.gateway.up();
  const { cluster, time } = school;
  const { code, stdout, stderr } = await kubectlClassroom(
    [
      ...['report', CLASS, '--by', 'session', '--format', 'json', '-n', room.namespace],
      ...['--kubeconfig', cluster.controlPlane.kubeconfigPath, '--gateway-url', cluster.baseURL],
    ],
    { clock: time.clock },
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return reportSchema.parse(JSON.parse(stdout));
}

/** The account of a week, and what is known of requests with which a gateway was killed. */
export interface Account {
  /** Of those whose every answer came, by such as `Mon 09:00 alice`. */
  readonly exact: Readonly<Record<string, Counted>>;
}

/**
 * Compares the report with what the clients counted: of every student in every session the same requests and tokens.
 * Only of {@link UNLUCKY} it may say more: for each request with which a gateway was killed one at most, with the tokens
 * that were expected of its prompt.
 */
export async function expectAccountOf(play: Play): Promise<Account> {
  const { periods, total } = await reportOf(play);
  const rows = periods.flatMap(({ day, session, students }) =>
    students.map(({ student, ...figures }) => ({
      key: `${session === null ? `${play.week.inWords(day)}, outside` : play.week.inWords(session)} ${student}`,
      student,
      figures,
    })),
  );
  const exact = Object.fromEntries(
    rows.filter(({ student }) => student !== UNLUCKY).map(({ key, figures }) => [key, countedOf(figures)]),
  );
  const isOfUnlucky = ([key]: [string, Counted]): boolean => key.endsWith(` ${UNLUCKY}`);
  const counted = [...play.counted];
  expect(exact).toEqual(Object.fromEntries(counted.filter((entry) => !isOfUnlucky(entry))));
  expectUnlucky(
    rows.filter(({ student }) => student === UNLUCKY).map(({ figures }) => figures),
    counted.filter(isOfUnlucky).map(([, sums]) => sums),
    play.brokenRequests,
  );
  const requests = sumOf(rows.map(({ figures }) => figures.requests));
  expect({ requests: total.requests, throttled: total.throttled }).toEqual({ requests, throttled: 0 });
  return { exact };
}

function countedOf({ requests, completed, promptTokens, completionTokens }: Figures): Counted {
  expect(completed).toBe(requests);
  return { requests, promptTokens, completionTokens };
}

/** So much the gateway expects of a prompt at most, however short. */
const MOST_PROMPT_TOKENS = 200;

/** See docs/limits-and-fairness.md, "A crash". */
function expectUnlucky(rows: readonly Figures[], counted: readonly Counted[], broken: number): void {
  const booked = {
    completed: sumOf(rows.map(({ completed }) => completed)),
    completionTokens: sumOf(rows.map(({ completionTokens }) => completionTokens)),
  };
  expect(booked).toEqual({
    completed: sumOf(counted.map(({ requests }) => requests)),
    completionTokens: sumOf(counted.map(({ completionTokens }) => completionTokens)),
  });
  const extra = {
    requests: sumOf(rows.map(({ requests }) => requests)) - booked.completed,
    promptTokens:
      sumOf(rows.map(({ promptTokens }) => promptTokens)) -
      sumOf(counted.map(({ promptTokens }) => promptTokens)),
  };
  expect(extra.requests).toBeLessThanOrEqual(broken);
  expect(extra.promptTokens).toBeGreaterThanOrEqual(0);
  expect(extra.promptTokens).toBeLessThanOrEqual(extra.requests * MOST_PROMPT_TOKENS);
}

function sumOf(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0);
}
