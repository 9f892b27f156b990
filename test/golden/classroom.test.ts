import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { type Classroom, type ClassroomSpecInput, classroomSpecSchema } from '../../src/api/classroom.ts';
import { CLASSROOM_CONDITIONS } from '../../src/api/reasons.ts';
import type { StudentQuota } from '../../src/api/student-quota.ts';
import type { ObservedClass } from '../../src/classroom/observe.ts';
import { plan, type WantedPlan } from '../../src/classroom/plan.ts';
import { ROLLED_OUT_ANNOTATION } from '../../src/classroom/rollout/rolled-out.ts';
import { status } from '../../src/classroom/status.ts';
import { readGpuNode } from '../../src/gpu/nodes/gpu-node.ts';
import type { Deployment, Node } from '../../src/kube/resources.ts';
import { containerStatus, enginePod, observedClass, readyPod, settings } from '../support/classroom.ts';

/**
 * Each folder is one behaviour: `in.yaml` is what a trainer applies, with the uid that the API server would give, the
 * nodes there are, and what runs already; `out.yaml` is what the operator makes of it. `GOLDEN_UPDATE=1` writes
 * `out.yaml` anew; read the difference.
 */
const FOLDER = join(import.meta.dirname, 'classroom');
const NOW_MS = Date.parse('2026-09-01T09:00:00Z');

describe('the objects of a class', () => {
  test.each(readdirSync(FOLDER))('%s', async (name) => {
    const outPath = join(FOLDER, name, 'out.yaml');
    const got = outputOf(await readFile(join(FOLDER, name, 'in.yaml'), 'utf8'));
    if (process.env.GOLDEN_UPDATE === '1') await writeFile(outPath, got);
    expect(got).toBe(await readFile(outPath, 'utf8'));
  });
});

const ENGINES = ['Answering', 'Idle', 'Failing'] as const;
const beforeSchema = z.strictObject({ spec: z.looseObject({}), engines: z.enum(ENGINES) });

interface Input {
  classroom: Classroom;
  seats: StudentQuota[];
  nodes: Node[];
  before: { spec: ClassroomSpecInput; engines: (typeof ENGINES)[number] } | undefined;
}

function readInput(text: string): Input {
  const [first, ...others] = parseAllDocuments(text).map((document) => document.toJS());
  const before = others.find((document) => 'before' in document)?.before;
  return {
    classroom: { ...first, spec: classroomSpecSchema.parse(first.spec) },
    nodes: others.filter(({ kind }) => kind === 'Node'),
    seats: others.filter(({ spec }) => spec?.student !== undefined),
    before: before && { ...beforeSchema.parse(before), spec: before.spec },
  };
}

function outputOf(text: string): string {
  const input = readInput(text);
  const now = observe(input);
  const observed = input.before === undefined ? now : { ...now, ...whatRuns(input, input.before) };
  const result = plan(observed, settings(), NOW_MS);
  if (result.kind === 'withheld') return inYaml(result.refusal);
  const { deployment } = result;
  const objects = result.foundations.map(({ object }) => object);
  const engines = deployment === undefined ? [] : [withoutRecord(deployment.object as Deployment)];
  return [...objects, ...engines, { status: statusOf(observed, result) }].map(inYaml).join('---\n');
}

function observe({ classroom, seats, nodes }: Input): ObservedClass {
  const gpuNodes = nodes.flatMap((node) => readGpuNode(node) ?? []);
  return observedClass({
    classroom,
    seats,
    gpus: { kind: 'Known', nodes: gpuNodes, pods: [], dra: [], seesAllPods: true },
  });
}

/** The Deployment that an earlier spec led to, and its engines. */
function whatRuns(
  input: Input,
  { spec, engines }: NonNullable<Input['before']>,
): Pick<ObservedClass, 'deployment' | 'pods' | 'activity'> {
  const classroom = { ...input.classroom, spec: classroomSpecSchema.parse(spec) };
  const earlier = plan(observe({ ...input, classroom }), settings(), NOW_MS);
  if (earlier.kind === 'withheld' || earlier.deployment === undefined) throw new Error('nothing ran before');
  const names = ['python-101-engine-a', 'python-101-engine-b'];
  return {
    deployment: earlier.deployment.object as Deployment,
    pods: names.map((name) => (engines === 'Failing' ? failingPod(name) : readyPod(name))),
    activity: engines === 'Idle' ? { kind: 'quiet', sinceMs: 0 } : { kind: 'busy' },
  };
}

function failingPod(name: string) {
  const state = { waiting: { reason: 'CrashLoopBackOff' } };
  return enginePod({ metadata: { name }, status: { containerStatuses: [containerStatus({ state })] } });
}

/** The Deployment says twice what runs: in its template, and in the annotation that keeps it. */
function withoutRecord(deployment: Deployment): Deployment {
  const { [ROLLED_OUT_ANNOTATION]: record = '', ...annotations } = deployment.metadata.annotations ?? {};
  expect(JSON.parse(record).template).toEqual(deployment.spec?.template);
  expect(annotations).toEqual({});
  const { annotations: _, ...metadata } = deployment.metadata;
  return { ...deployment, metadata };
}

/** What is said of the figures and of what waits. */
function statusOf(observed: ObservedClass, result: WantedPlan) {
  const outcome = { written: [], deleted: [], problems: [] };
  const full = status({ observed, plan: result, outcome, settings: settings(), nowMs: NOW_MS });
  const told: string[] = [CLASSROOM_CONDITIONS.fits, CLASSROOM_CONDITIONS.rolloutPending];
  const conditions = full.conditions?.filter(({ type }) => told.includes(type));
  return {
    replicas: full.replicas,
    servedName: full.servedName,
    plan: full.plan,
    conditions: conditions?.map(({ type, status: holds, reason, message }) => ({
      type,
      status: holds,
      reason,
      message,
    })),
  };
}

function inYaml(value: object): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
