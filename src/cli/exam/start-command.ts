import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import type { Texts } from '../../command-line/parse.ts';
import { nonEmpty, onOrOff, wholeNumber } from '../../command-line/values.ts';
import { whoAmI } from '../change/access.ts';
import { changeClass } from '../change/change-class.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE, CLASS_FLAGS, CLASS_SHAPE, SEEN_FLAGS } from '../change/flags.ts';
import { timeZoneOf } from '../change/opening-words.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_SHAPE } from '../cluster/flags.ts';
import type { Runnable } from '../command.ts';
import { readRosterFile } from '../enroll/roster-file.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { chosenSeats, studentIds } from '../keys/chosen-seats.ts';
import { STUDENTS_OFFER } from '../keys/replace.ts';
import { type ExamWishes, examOf, startOfExam } from './start.ts';

/** As many as the API takes. */
const MAX_OUTPUT_TOKENS = 1_000_000;

const startSchema = z.object({
  ...CLASS_SHAPE,
  students: studentIds.optional(),
  file: nonEmpty.optional(),
  all: onOrOff,
  maxOutputTokens: wholeNumber(1, MAX_OUTPUT_TOKENS).optional(),
  allowAdapters: onOrOff,
  allowTools: onOrOff,
  ...CHANGE_SHAPE,
  ...WAIT_SHAPE,
});
type StartOptions = z.output<typeof startSchema>;

const START: ClusterCommand<typeof startSchema> = {
  name: 'exam start',
  description:
    'Begins an exam: only those who sit it are served, all on the same terms, until it is stopped. What is not said here is as `spec.exam` of the class has it, else: all students, 512 tokens, no adapters, no tools. An exam follows the timetable.',
  schema: startSchema,
  flags: {
    ...CLASS_FLAGS,
    students: { spelling: '--students <ids>', about: 'who sits the exam, such as alice,bob' },
    file: {
      spelling: '-f, --file <roster>',
      about: "who sits it: CSV file with a student in each row, as for enroll; '-' is the standard input",
    },
    all: { spelling: '--all', about: 'all students sit it, whoever `spec.exam` names' },
    maxOutputTokens: {
      spelling: '--max-output-tokens <n>',
      about: 'the most tokens of an answer, for all the same',
    },
    allowAdapters: { spelling: '--allow-adapters', about: 'the LoRA adapters of the class may be used' },
    allowTools: { spelling: '--allow-tools', about: 'requests may offer tools to the model' },
    ...CHANGE_FLAGS,
    ...SEEN_FLAGS,
  },
  examples: [
    { about: 'for the whole class', command: 'kubectl classroom exam start python-101 --all' },
    {
      about: 'for some, with short answers',
      command: 'kubectl classroom exam start python-101 --students alice,bob --max-output-tokens 256',
    },
    {
      about: 'for those of a list; look first',
      command: 'kubectl classroom exam start python-101 -f exam.csv --dry-run',
    },
  ],
  offers: STUDENTS_OFFER,
  faults: whoFaults,
  run: start,
};

/** `kubectl classroom exam start`. */
export const examStartCommand: Runnable = clusterCommand(START);

function whoFaults({ students, file, all }: Texts): readonly string[] {
  const named = [
    ...(students === undefined ? [] : ['--students']),
    ...(file === undefined ? [] : ['--file']),
    ...(all === 'true' ? ['--all'] : []),
  ];
  return named.length > 1
    ? [`${named.join(' and ')} must not be used together: each says who sits the exam`]
    : [];
}

async function start(options: StartOptions, cluster: Cluster): Promise<ExitCode> {
  const [found, user] = await Promise.all([findClassroom(cluster, options.class), whoAmI(cluster.client)]);
  const wishes: ExamWishes = {
    students: options.all ? [] : (options.students ?? (await idsOf(options.file, found, cluster))),
    maxOutputTokens: options.maxOutputTokens,
    allowAdapters: options.allowAdapters || undefined,
    allowTools: options.allowTools || undefined,
  };
  const { students } = examOf(found, wishes);
  // Whoever has no seat could not sit the exam, and would find that out in it.
  const seats = students.length === 0 ? [] : await chosenSeats(cluster, found, students);
  await changeClass(found, startOfExam(wishes, seats, user), { ...options, yes: true }, cluster);
  return EXIT_CODES.done;
}

async function idsOf(
  file: string | undefined,
  classroom: Classroom,
  { machine }: Cluster,
): Promise<string[] | undefined> {
  if (file === undefined) return undefined;
  const rows = await readRosterFile(file, { timeZone: timeZoneOf(classroom) }, machine);
  return rows.map(({ id }) => id);
}
