import { z } from 'zod';
import { classroomSpecSchema } from '../api/classroom.ts';
import { acceptingNulls, structuralSchema } from '../api/structural-schema.ts';
import { studentQuotaSpecSchema } from '../api/student-quota.ts';
import { type JsonSchema, jsonSchemaOf } from './values-schema.ts';

/**
 * The values of `charts/classroom`: a class with its roster. The fields of the objects are those of the CRDs, so a
 * misspelled one is an error before anything is sent.
 */
export function classroomValuesSchema(): JsonSchema {
  const properties = Object.entries(propertiesWithoutDefaults());
  const defaults: Readonly<Record<string, unknown>> = CLASSROOM_DEFAULTS;
  return {
    type: 'object',
    additionalProperties: false,
    required: ['spec'],
    properties: Object.fromEntries(
      properties.map(([name, schema]) => [name, { ...schema, default: z.json().parse(defaults[name]) }]),
    ),
  };
}

function propertiesWithoutDefaults(): Record<string, JsonSchema> {
  const spec = jsonSchemaOf(acceptingNulls(structuralSchema(classroomSpecSchema, 'spec')));
  return {
    global: {
      description: 'What a chart that this one is part of gives to all its parts. Not used.',
      type: 'object',
    },
    name: {
      description: 'Name of the Classroom. Default: that of the release.',
      type: 'string',
      pattern: '^([a-z]([-a-z0-9]*[a-z0-9])?)?$',
      maxLength: 40,
    },
    spec: {
      ...spec,
      description: 'The class, field by field as in docs/api.md. What is left out has its default.',
    },
    students: {
      description:
        'The roster. Who is added gets a key, who is taken out loses it with the next helm upgrade. Each has an `id`, perhaps displayName and group, and what differs from the class: limits, weight, access, expiresAt, keyRotation (docs/api.md).',
      type: 'array',
      items: studentSchema(),
    },
    trainers: {
      description:
        'Who may run the class, as subjects of a RoleBinding, such as {kind: User, name: chen@school.example, apiGroup: rbac.authorization.k8s.io}.',
      type: 'array',
      items: { type: 'object', required: ['kind', 'name'] },
    },
    trainerRole: {
      description: 'The role that trainers get in the namespace: that of the chart gpu-classroom.',
      type: 'string',
      minLength: 1,
    },
    trainerRoleKind: {
      description: 'Role, where the chart gpu-classroom serves this namespace alone (its `watchNamespace`).',
      type: 'string',
      enum: ['ClusterRole', 'Role'],
    },
    labels: textMap('Labels of all objects.'),
    annotations: textMap('Annotations of the Classroom.'),
  };
}

export const CLASSROOM_DEFAULTS = {
  global: {},
  name: '',
  spec: { model: { id: 'Qwen/Qwen2.5-7B-Instruct' } },
  students: [],
  trainers: [],
  trainerRole: 'gpu-classroom-trainer',
  trainerRoleKind: 'ClusterRole',
  labels: {},
  annotations: {},
};

/** A seat as one line of a roster: the student's own fields beside those of the seat. */
function studentSchema(): JsonSchema {
  const { properties = {} } = jsonSchemaOf(acceptingNulls(structuralSchema(studentQuotaSpecSchema, 'spec')));
  const { classroomRef: _, student, ...seat } = properties;
  return {
    type: 'object',
    additionalProperties: false,
    required: ['id'],
    properties: {
      ...student?.properties,
      name: {
        description: 'Name of the StudentQuota. Default: <class>-<id>.',
        type: 'string',
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
        maxLength: 63,
      },
      user: {
        description:
          'Who may read this key and no other, as the cluster knows them: a Role for this one Secret.',
        type: 'string',
        minLength: 1,
      },
      ...seat,
    },
  };
}

function textMap(description: string): JsonSchema {
  return { description, type: 'object', additionalProperties: { type: 'string' } };
}
