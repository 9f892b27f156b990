import { describe, expect, jest, test } from '@jest/globals';
import { apiServer, type Verdict } from '../../support/api/api-server.ts';
import { type BoundCase, boundCases, exampleObjects, type Kind } from '../../support/api/bound-cases.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const KINDS: Kind[] = ['Classroom', 'StudentQuota'];

const { controlPlane, client } = await connectToControlPlane();
/** Empty: a dry run of a name that is there would be refused. */
const empty = apiServer(client, await controlPlane.createNamespace('bounds'));
/** Has one object of each kind, for statuses. */
const filled = apiServer(client, await controlPlane.createNamespace('bounds'));
for (const kind of KINDS) expect(await filled.create(exampleObjects(kind)[0])).toMatchObject({ causes: [] });

function submit({ path }: BoundCase, object: unknown): Promise<Verdict> {
  return path.startsWith('status') ? filled.replaceStatus(object, { dryRun: true }) : empty.dryRun(object);
}

describe.each(KINDS)('every bound of a %s is enforced', (kind) => {
  test.each(exampleObjects(kind))('example %# that the cases start from is accepted', async (object) => {
    expect((await empty.dryRun(object)).causes).toEqual([]);
  });

  test.each(boundCases(kind))('$path: $bound', async (boundCase) => {
    const { refusedPath, accepted, refused, refusal } = boundCase;
    for (const { object } of accepted) expect((await submit(boundCase, object)).causes).toEqual([]);
    for (const { object } of refused) {
      const { causes } = await submit(boundCase, object);
      expect(causes).toContainEqual({ field: refusedPath, message: expect.stringMatching(refusal) });
    }
  });
});
