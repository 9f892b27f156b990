import { describe, expect, test } from '@jest/globals';
import { chartsOf } from '../../../src/report/charts.ts';
import { reportCsv } from '../../../src/report/csv.ts';
import { reportMarkdown } from '../../../src/report/markdown.ts';
import { reportPage } from '../../../src/report/page.ts';
import { type Report, type ReportOptions, reportOf } from '../../../src/report/report.ts';
import { activeRows, anExtract, aUsageRow, engineRows, options } from './builders.ts';

const NASTY = '<script>alert("x")</script>|`*=1+1';

function aReport(by: Report['by'] = 'day'): Report {
  const active = activeRows('2026-09-01T07:00:00Z', '2026-09-01T08:04:00Z');
  const students = [
    { student: NASTY, usage: [aUsageRow({ model: NASTY, promptTokens: 1_234_567 })], active },
    {
      student: 'bob',
      usage: [aUsageRow({ queueWaitMsSum: 1_500, session: '2026-09-01T07:00:00Z' })],
      active: [],
    },
  ];
  const engines = engineRows('2026-09-01T07:00:00Z', '2026-09-01T08:29:00Z');
  return reportOf(
    anExtract({ students, engines }),
    options({ by, named: (id) => ({ student: id, name: id }) }),
  );
}

describe('a report to read', () => {
  test('has figures as people write them', () => {
    const text = reportMarkdown(aReport());
    expect(text).toMatch(/\| Tokens of prompts +\| +1,234,667 \(80 from a cache\) \|/);
    expect(text).toMatch(/\| Time of students at work, h:min +\| +1:05 \|/);
    expect(text).toMatch(/\| GPU hours that ran +\| +1\.50 \|/);
    expect(text).toMatch(/\| bob +\|.*\| +1\.50 s \| +0\.08 s \|/);
    expect(text).toMatch(/\| Tue 2026-09-01 +\|/);
  });

  test('of a class in which nobody asked has no empty tables and no waits', () => {
    const text = reportMarkdown(reportOf(anExtract(), options()));
    expect(text).toMatch(/\| Students who asked +\| +0 \|/);
    expect(text).toMatch(/\| Wait for an engine, mean and longest +\| +– \|/);
    expect(text.match(/^## .*$/gm)).toEqual(['## In all']);
  });

  test('says that days are missing where some are not kept any more', () => {
    const text = (keptFrom: string | null) => reportMarkdown(reportOf(anExtract({ keptFrom }), options()));
    expect(text('2025-09-01')).toContain('What was before 2025-09-01 is not kept any more');
    expect(text(null)).not.toContain('any more');
  });

  test('tells sessions by their local time', () => {
    const text = reportMarkdown(aReport('session'));
    expect(text).toMatch(/\| Tue 2026-09-01 09:00 +\|/);
    expect(text).toMatch(/\| Tue 2026-09-01, outside of sessions +\|/);
    expect(text).toContain('2026-09-01 to 2026-09-30, as of 2026-09-30 22:00 (Europe/Berlin)');
  });

  test('has groups where students are in some', () => {
    const students = ['alice', 'bob'].map((student) => ({ student, usage: [aUsageRow()], active: [] }));
    const named = (student: string) => (student === 'bob' ? { student, group: 'Tuesday' } : { student });
    const text = reportMarkdown(reportOf(anExtract({ students }), options({ named })));
    expect(text).toMatch(/\| Student \| +Group \|/);
    expect(text).toMatch(/\| bob +\| +Tuesday \|/);
    expect(reportMarkdown(aReport())).not.toContain('Group');
  });

  test.each<[string, ReportOptions['named'], string]>([
    ['one after the other', (student) => ({ student }), 'Have not asked: bob, carol\n'],
    [
      'with their groups, where some are in one',
      (student) => (student === 'bob' ? { student, name: 'Bob', group: 'Tuesday' } : { student }),
      'Have not asked: Tuesday: Bob (bob); in no group: carol\n',
    ],
  ])('names who has not asked, %s', (_, named, line) => {
    const report = reportOf(anExtract(), options({ named, notAsked: ['bob', 'carol'] }));
    const text = reportMarkdown(report);
    expect(text).toContain(`\n${line}`);
    expect(text).toMatch(/\| Students who have not asked +\| +2 \|/);
    expect(reportPage(report, [])).toContain(`<p>${line.trim()}</p>`);
  });

  test('tells with pseudonyms only how many have not asked', () => {
    const named = (id: string) => ({ student: id === 'bob' ? 'Student 01' : 'Student 02' });
    const hidden = options({ named, pseudonymous: true, notAsked: ['bob', 'carol'] });
    const text = reportMarkdown(reportOf(anExtract(), hidden));
    expect(text).toMatch(/\| Students who have not asked +\| +2 \|/);
    expect(text).not.toMatch(/Have not asked|Student 0/);
  });

  test('says that it does not know who has not asked, where seats may not be read', () => {
    const text = reportMarkdown(reportOf(anExtract(), options({ notAsked: undefined })));
    expect(text).toContain('Who has not asked is not known');
    expect(text).toMatch(/\| Students who have not asked +\| +– \|/);
  });

  test('takes no name for Markdown', () => {
    const line = reportMarkdown(aReport())
      .split('\n')
      .find((one) => one.includes('alert'));
    expect(line).toContain('\\<script\\>alert("x")\\</script\\>\\|\\`\\*=1+1');
  });
});

describe('a page', () => {
  test('takes no name for markup, in tables and in charts', () => {
    const report = aReport();
    const page = reportPage(report, chartsOf(report));
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;');
  });

  test('has charts of GPUs, days and students, and none of what there is not', () => {
    const titles = (report: Report) => chartsOf(report).map(({ title }) => title);
    expect(titles(aReport())).toEqual(['GPU hours', 'Tokens by day', 'Tokens by student']);
    expect(titles(aReport('course'))).toEqual(['GPU hours', 'Tokens by student']);
    expect(titles(reportOf(anExtract(), options()))).toEqual([]);
  });

  test('leaves room for bars beside long names, and tells those in full in its tables', () => {
    const name = 'Maximiliane Alexandra Theodora von und zu Hohenlohe-Langenburg-Waldenburg';
    const students = [{ student: 'max', usage: [aUsageRow()], active: [] }];
    const report = reportOf(
      anExtract({ students }),
      options({ by: 'session', named: (student) => ({ student, name }) }),
    );
    const [periods, names] = chartsOf(report);
    expect(periods?.svg).toContain('>2026-09-01 outside<');
    expect(names?.svg).toMatch(/>Maximiliane Alexandra [^<]*\.\.\.</);
    expect(reportPage(report, [])).toContain(`${name} (max)`);
  });

  test('draws the students with the most tokens, and says that there are more', () => {
    const students = Array.from({ length: 60 }, (_, index) => ({
      student: `s${index}`,
      usage: [aUsageRow({ promptTokens: index * 1_000 })],
      active: [],
    }));
    const [, chart] = chartsOf(reportOf(anExtract({ students }), options()));
    expect(chart?.title).toBe('Tokens by student, the 40 with the most');
    expect(chart?.svg).toContain('>s59<');
    expect(chart?.svg).not.toContain('>s1<');
  });
});

describe('a table for a spreadsheet', () => {
  test('has a row for each period and student, and no formula', () => {
    const extract = anExtract({ students: [{ student: '=SUM(A1)', usage: [aUsageRow()], active: [] }] });
    const [head, row, ...rest] = reportCsv(reportOf(extract, options()), { bom: false }).split('\r\n');
    expect(head?.split(',')).toHaveLength(row?.split(',').length ?? 0);
    expect(row).toBe("2026-09-01,,'=SUM(A1),,1,1,0,0,0,0,0,100,40,50,150,0,10,10,80,80,qwen,");
    expect(rest).toEqual(['']);
  });

  test('by course has a row of zeros for each who has not asked', () => {
    const students = [{ student: 'alice', usage: [aUsageRow()], active: [] }];
    const named = (student: string) => (student === 'bob' ? { student, group: 'Tuesday' } : { student });
    const rowsOf = (differs: Partial<ReportOptions>) =>
      reportCsv(reportOf(anExtract({ students }), options({ named, notAsked: ['bob'], ...differs })), {
        bom: false,
      })
        .split('\r\n')
        .slice(1, -1);
    const [alice, ...others] = rowsOf({ by: 'course' });
    expect(alice).toMatch(/^,,alice,,1,/);
    expect(others).toEqual([',,bob,,0,0,0,0,0,0,0,0,0,0,0,0,,0,,0,,Tuesday']);
    expect(rowsOf({ by: 'course', notAsked: undefined })).toHaveLength(1);
    expect(rowsOf({ by: 'day' })).toHaveLength(1);
  });
});
