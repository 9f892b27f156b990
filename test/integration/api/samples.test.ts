import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parseClassroom, parseStudentQuota } from '../../../src/api/parse.ts';
import { apiServer } from '../../support/api/api-server.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const SAMPLES = join(import.meta.dirname, '../../../manifests/samples');

const ownObjectSchema = z.looseObject({
  kind: z.enum(['Classroom', 'StudentQuota']),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.record(z.string(), z.unknown()),
});

const parsers = { Classroom: parseClassroom, StudentQuota: parseStudentQuota };

const { controlPlane, client } = await connectToControlPlane();
const server = apiServer(client, await controlPlane.createNamespace('samples'));

function ownObjects(file: string) {
  return parseAllDocuments(readFileSync(join(SAMPLES, file), 'utf8')).flatMap((document) => {
    const content: unknown = document.toJS();
    return z.object({ kind: z.literal('Namespace') }).safeParse(content).success
      ? []
      : [ownObjectSchema.parse(content)];
  });
}

describe.each(readdirSync(SAMPLES))('the sample %s', (file) => {
  const objects = ownObjects(file);

  test.each(objects)('$kind $metadata.name is accepted, and no field of it is dropped', async (object) => {
    const { stored, causes } = await server.dryRun({ ...object, metadata: { name: object.metadata.name } });
    expect(causes).toEqual([]);
    expect(stored?.spec).toMatchObject(object.spec);
  });

  test.each(objects)('$kind $metadata.name is read as the API server stores it', async (object) => {
    const { stored } = await server.dryRun({ ...object, metadata: { name: object.metadata.name } });
    const fromFile = parsers[object.kind](object);
    const fromServer = parsers[object.kind](stored);
    expect([specOf(fromFile), fromFile.ok]).toEqual([specOf(fromServer), true]);
  });

  test('seats are of a class in the same file and namespace', () => {
    const classes = objects.filter(({ kind }) => kind === 'Classroom').map(({ metadata }) => metadata);
    const wanted = objects
      .filter(({ kind }) => kind === 'StudentQuota')
      .map(({ metadata, spec }) => ({ namespace: metadata.namespace, ...Object(spec.classroomRef) }));
    for (const reference of wanted) expect(classes).toContainEqual(reference);
  });

  test('no class is closed at the hour at which somebody follows a guide', () => {
    const schedules = objects
      .filter(({ kind }) => kind === 'Classroom')
      .map(({ spec }) => spec.schedule)
      .filter((schedule) => schedule !== undefined);
    for (const schedule of schedules) expect(schedule).toMatchObject({ outsideSessions: 'Open' });
  });
});

type Parsed = ReturnType<typeof parseClassroom> | ReturnType<typeof parseStudentQuota>;

function specOf(parsed: Parsed): unknown {
  if (!parsed.ok) return undefined;
  return 'classroom' in parsed ? parsed.classroom.spec : parsed.studentQuota.spec;
}
