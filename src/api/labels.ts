import { API_GROUP } from './group.ts';

/** Labels and annotations that operator, gateway and CLI agree on. */
export const LABELS = {
  name: 'app.kubernetes.io/name',
  instance: 'app.kubernetes.io/instance',
  component: 'app.kubernetes.io/component',
  partOf: 'app.kubernetes.io/part-of',
  managedBy: 'app.kubernetes.io/managed-by',
  /** Name of the Classroom that an object belongs to, in the object's own namespace. */
  classroom: `${API_GROUP}/classroom`,
  /** Name of the StudentQuota that an object belongs to. */
  student: `${API_GROUP}/student`,
} as const;

/** Annotations of a Classroom. */
export const ANNOTATIONS = {
  /** Any new value: engines that are held are started again, as after a change of the spec. */
  retry: `${API_GROUP}/retry`,
  /** RFC 3339: the class counts as open until then, whatever its timetable says; not against `access: Closed`. */
  openUntil: `${API_GROUP}/open-until`,
  /** `access` as it was before the exam that runs: what `exam stop` goes back to. */
  accessBeforeExam: `${API_GROUP}/access-before-exam`,
  /** `exam` as it was before the exam that runs, as JSON; absent where that one is as it was written beforehand. */
  examBefore: `${API_GROUP}/exam-before`,
  /** Who changed `access` last, written by the CLI together with it. */
  accessChangedBy: `${API_GROUP}/access-changed-by`,
} as const;

/** Annotations of the Leases in which gateways say that a class is asked for something. */
export const DEMAND_ANNOTATIONS = {
  /** Requests that engines answer now. */
  inFlight: `${API_GROUP}/in-flight`,
  /** Requests that wait. */
  queued: `${API_GROUP}/queued`,
} as const;

/** Values of {@link LABELS}.component. */
export const COMPONENTS = {
  engine: 'engine',
  gateway: 'gateway',
  operator: 'operator',
  apiKey: 'api-key',
  modelCache: 'model-cache',
  demand: 'demand',
  reportKey: 'report-key',
} as const;

export const APP_NAME = 'gpu-classroom';

/** Value of {@link LABELS}.managedBy on everything the operator makes; it watches only objects that carry it. */
export const MANAGED_BY = 'gpu-classroom-operator';
export const MANAGED_SELECTOR = `${LABELS.managedBy}=${MANAGED_BY}`;

/** Name of the container and of its port in every engine pod: the gateway finds the port by this name. */
export const ENGINE_CONTAINER = 'vllm';
export const ENGINE_PORT_NAME = 'http';
/** vLLM's default port. */
export const ENGINE_PORT = 8000;

/** Selects the engine pods of every class: what the gateway watches. */
export const ENGINE_POD_SELECTOR = `${LABELS.component}=${COMPONENTS.engine},${LABELS.classroom}`;
