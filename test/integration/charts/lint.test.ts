import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { sharedControlPlane } from '../../support/control-plane.ts';
import { CHARTS, helmAt } from '../../support/helm.ts';

const { binaries, admin } = await sharedControlPlane();
admin.close();
const helm = helmAt(binaries.helm);

const cases = Object.values(CHARTS).flatMap((chart) => [
  { chart: basename(chart), values: 'its defaults', args: [chart] },
  ...readdirSync(join(chart, 'examples')).map((file) => ({
    chart: basename(chart),
    values: file,
    args: [chart, `--values=${join(chart, 'examples', file)}`],
  })),
]);

test.each(cases)('helm lint finds nothing in $chart with $values', async ({ args }) => {
  expect(await helm.run(['lint', '--strict', '--quiet', ...args])).not.toContain('[WARNING]');
});
