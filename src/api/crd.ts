import type { z } from 'zod';
import type { KubeObject, Resource } from '../kube/object.ts';
import { type CelRule, rule } from './cel.ts';
import { CLASSROOM_NAME_MAX, classroomSpecSchema, classroomStatusSchema, classrooms } from './classroom.ts';
import { APP_NAME, LABELS } from './labels.ts';
import { acceptingNulls, type StructuralSchema, structuralSchema } from './structural-schema.ts';
import {
  STUDENT_QUOTA_NAME_MAX,
  studentQuotaSpecSchema,
  studentQuotaStatusSchema,
  studentQuotas,
} from './student-quota.ts';

/** A column of `kubectl get`; priority 1 shows only with `-o wide`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  description?: string;
  priority?: 1;
}

/** The parts of `apiextensions.k8s.io/v1` that we use. */
export interface CustomResourceDefinition extends KubeObject {
  spec: {
    group: string;
    scope: 'Namespaced';
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames: string[];
      categories: string[];
    };
    versions: CustomResourceVersion[];
  };
}

export interface CustomResourceVersion {
  name: string;
  served: boolean;
  storage: boolean;
  additionalPrinterColumns: PrinterColumn[];
  selectableFields: { jsonPath: string }[];
  subresources: { status: Record<string, never>; scale?: ScaleSubresource };
  schema: { openAPIV3Schema: StructuralSchema };
}

interface ScaleSubresource {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath: string;
}

/** All that one of our kinds needs to become a CRD. */
interface KindDefinition {
  resource: Resource<KubeObject>;
  shortName: string;
  description: string;
  spec: z.ZodType;
  status: z.ZodType;
  /** Rules that see `self.metadata.name`; the schema of metadata itself is the API server's. */
  nameRules: CelRule[];
  columns: PrinterColumn[];
  /** Fields for `kubectl get --field-selector`. */
  selectableFields: string[];
  scale?: ScaleSubresource;
}

/** The condition that sums up, as a column finds it. */
const READY = '.status.conditions[?(@.type=="Ready")]';

/** By timetable and access. */
const OPEN = '.status.conditions[?(@.type=="Open")].status';

const classroomDefinition: KindDefinition = {
  resource: classrooms,
  shortName: 'cls',
  description: 'A class: the model its students use, the GPUs it runs on, and what each student may use.',
  spec: classroomSpecSchema,
  status: classroomStatusSchema,
  nameRules: [
    rule(
      `self.metadata.name.size() <= ${CLASSROOM_NAME_MAX}`,
      `\`metadata.name\` must not be longer than ${CLASSROOM_NAME_MAX} characters: the names of the engines begin with it`,
      'FieldValueInvalid',
      '.metadata.name',
    ),
    rule(
      "self.metadata.name.matches('^[a-z]') && !self.metadata.name.contains('.')",
      "`metadata.name` must begin with a letter and must not contain '.': it becomes part of host names",
      'FieldValueInvalid',
      '.metadata.name',
    ),
  ],
  columns: [
    readyColumn(),
    // What a trainer asks next when it is not.
    reasonColumn(),
    { name: 'Model', type: 'string', jsonPath: '.spec.model.id' },
    { name: 'Students', type: 'integer', jsonPath: '.status.students', description: 'Seats of the class.' },
    {
      name: 'Engines',
      type: 'integer',
      jsonPath: '.status.readyReplicas',
      description: 'Engines that answer.',
    },
    { name: 'Wanted', type: 'integer', jsonPath: '.status.replicas', description: 'Engines wanted.' },
    { name: 'Access', type: 'string', jsonPath: '.spec.access' },
    { name: 'Open', type: 'string', jsonPath: OPEN, description: 'By timetable and access.' },
    {
      name: 'Next change',
      type: 'string',
      jsonPath: '.status.timetable.nextChange',
      description: "When it opens or closes next, in the class's local time.",
    },
    { name: 'URL', type: 'string', jsonPath: '.status.baseURL', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: [],
  scale: {
    specReplicasPath: '.spec.engine.replicas.max',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  },
};

const studentQuotaDefinition: KindDefinition = {
  resource: studentQuotas,
  shortName: 'sq',
  description: "One student's seat in a class: enrolment, key and limits. Deleting it revokes the key.",
  spec: studentQuotaSpecSchema,
  status: studentQuotaStatusSchema,
  nameRules: [
    rule(
      `self.metadata.name.size() <= ${STUDENT_QUOTA_NAME_MAX}`,
      `\`metadata.name\` must not be longer than ${STUDENT_QUOTA_NAME_MAX} characters: it becomes the value of a label`,
      'FieldValueInvalid',
      '.metadata.name',
    ),
    rule(
      "!self.metadata.name.contains('.')",
      "`metadata.name` must not contain '.': write '-' instead",
      'FieldValueInvalid',
      '.metadata.name',
    ),
  ],
  columns: [
    { name: 'Student', type: 'string', jsonPath: '.spec.student.id' },
    { name: 'Class', type: 'string', jsonPath: '.spec.classroomRef.name' },
    readyColumn(),
    { ...reasonColumn(), priority: 1 },
    { name: 'Access', type: 'string', jsonPath: '.spec.access' },
    {
      name: 'Secret',
      type: 'string',
      jsonPath: '.status.secretName',
      description: 'The Secret with the key.',
      priority: 1,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: ['.spec.classroomRef.name', '.spec.student.id'],
};

/** The CRDs of our API, in the order in which they are documented. Pure: the same input gives the same bytes. */
export function customResourceDefinitions(): CustomResourceDefinition[] {
  return [classroomDefinition, studentQuotaDefinition].map(customResourceDefinition);
}

function customResourceDefinition(definition: KindDefinition): CustomResourceDefinition {
  const { group, kind, plural } = definition.resource;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { [LABELS.partOf]: APP_NAME } },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [definition.shortName],
        categories: [APP_NAME],
      },
      versions: [customResourceVersion(definition)],
    },
  };
}

function customResourceVersion(definition: KindDefinition): CustomResourceVersion {
  const { resource, columns, selectableFields, scale } = definition;
  return {
    name: resource.version,
    served: true,
    storage: true,
    additionalPrinterColumns: columns,
    selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })),
    subresources: scale === undefined ? { status: {} } : { status: {}, scale },
    schema: { openAPIV3Schema: rootSchema(definition) },
  };
}

function rootSchema({ description, spec, status, nameRules }: KindDefinition): StructuralSchema {
  return {
    description,
    type: 'object',
    required: ['spec'],
    properties: {
      metadata: METADATA,
      spec: acceptingNulls(structuralSchema(spec, 'spec')),
      status: structuralSchema(status, 'status'),
    },
    'x-kubernetes-validations': nameRules,
  };
}

/** The API server knows the rest; this much lets a rule point at the name. */
const METADATA: StructuralSchema = {
  type: 'object',
  properties: { name: { description: 'Name of this object.', type: 'string', maxLength: 253 } },
};

function readyColumn(): PrinterColumn {
  return { name: 'Ready', type: 'string', jsonPath: `${READY}.status` };
}

function reasonColumn(): PrinterColumn {
  return { name: 'Reason', type: 'string', jsonPath: `${READY}.reason` };
}
