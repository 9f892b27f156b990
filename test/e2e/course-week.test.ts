import { afterAll, beforeAll, test } from '@jest/globals';
import { UNDISTURBED } from './course/disturbance.ts';
import { openSchool, type School } from './course/school.ts';
import {
  afterwards,
  beginWeek,
  friday,
  monday,
  type Play,
  saturday,
  thursday,
  tuesday,
  wednesday,
} from './course/week.ts';

const BOOT_TIMEOUT_MS = 240_000;
const DAY_TIMEOUT_MS = 240_000;

let school: School;
let play: Play;

beforeAll(async () => {
  school = await openSchool();
  await school.time.moveTo(school.week(0).at('Mon 08:00'));
  await Promise.all([school.operator.start(), school.gateway.start()]);
  play = await beginWeek(school, 0, UNDISTURBED);
}, BOOT_TIMEOUT_MS);

afterAll(async () => {
  await school?.[Symbol.asyncDispose]();
}, 60_000);

const DAYS = { monday, tuesday, wednesday, thursday, friday, saturday, afterwards };

test.each(Object.entries(DAYS))(
  '%s',
  async (_, day) => {
    try {
      await day(play);
    } finally {
      process.stderr.write(`${play.diary.entries.join('\n')}\n`);
    }
    play.diary.entries.length = 0;
  },
  DAY_TIMEOUT_MS,
);
