import type { ClassroomSpecInput, ClassroomStatus } from '../../../src/api/classroom.ts';
import type { StudentQuotaSpecInput, StudentQuotaStatus } from '../../../src/api/student-quota.ts';

/**
 * Valid objects that together set every field of the API. Unions exclude each other, so one object cannot.
 */

const window = { days: ['Mon' as const], start: '22:00', end: '06:00' };

const everythingOnWholeGpus: ClassroomSpecInput = {
  model: {
    id: 'Qwen/Qwen2.5-7B-Instruct',
    servedName: 'qwen2.5-7b-instruct',
    aliases: ['gpt-4o-mini'],
    revision: 'main',
    maxModelLen: 4096,
    quantization: 'AWQ',
    tokenSecretRef: { name: 'hf-token', key: 'token' },
    storage: { claimName: 'models' },
    facts: {
      parameters: 7_615_616_512,
      layers: 28,
      hiddenSize: 3584,
      intermediateSize: 18_944,
      attentionHeads: 28,
      keyValueHeads: 4,
      headDimension: 128,
      vocabularySize: 152_064,
      bytesPerParameter: 2,
    },
  },
  gpu: {
    sharing: 'None',
    gpusPerEngine: 2,
    product: 'NVIDIA-A10',
    nodeSelector: { 'example.com/pool': 'class' },
    tolerations: [
      { key: 'class', operator: 'Equal', value: 'python', effect: 'NoExecute', tolerationSeconds: 60 },
    ],
    memoryMiB: 23_028,
    resourceName: 'nvidia.com/gpu',
    nodePreparation: 'Manage',
  },
  engine: {
    replicas: { min: 0, max: 4, studentsPerReplica: 6 },
    image: 'vllm/vllm-openai:v0.32.0',
    maxNumSeqs: 32,
    maxNumBatchedTokens: 2048,
    gpuMemoryUtilizationPercent: 90,
    extraArgs: ['--dtype', 'half'],
    env: [{ name: 'HF_ENDPOINT', value: 'https://mirror.example.com' }],
    resources: {
      requests: { cpu: 2, memory: '8Gi', 'ephemeral-storage': '20Gi' },
      limits: { cpu: '4', memory: '16Gi', 'ephemeral-storage': '40Gi' },
    },
    rollout: 'AfterClass',
    podSecurity: 'Restricted',
    priorityClassName: 'classrooms',
    runtimeClassName: 'nvidia',
  },
  contact: 'Ms Chen, room 214',
  limits: {
    perStudent: {
      requestsPerMinute: 30,
      tokensPerMinute: 20_000,
      tokensPerDay: 500_000,
      tokensTotal: 5_000_000,
      concurrentRequests: 2,
      maxOutputTokens: 1024,
    },
    classroom: { requestsPerMinute: 600, tokensPerMinute: 400_000 },
  },
  schedule: {
    timeZone: 'Asia/Shanghai',
    sessions: [{ days: ['Mon'], start: '08:00', end: '17:00' }],
    exceptions: [{ date: '2026-12-24', sessions: [{ start: '08:00', end: '12:00' }] }],
    warmUpMinutes: 15,
    outsideSessions: 'Open',
  },
  idle: { scaleToZeroAfterMinutes: 30 },
  access: 'Exam',
  boost: { factor: 2, until: '2026-12-01T10:30:00Z' },
  exam: { students: ['alice'], maxOutputTokens: 512, allowAdapters: true, allowTools: true },
  adapters: [{ name: 'sql-tutor', path: 'adapters/sql-tutor', rank: 32 }],
  fineTuning: {
    window,
    jobs: [
      {
        name: 'sql-tutor',
        dataset: { claimName: 'datasets', path: 'sql.jsonl' },
        trainer: 'Custom',
        image: 'registry.example.com/trainer:1',
        command: ['train'],
        hyperparameters: { rank: 8, epochs: 2, learningRate: '2e-4', batchSize: 4, sequenceLength: 2048 },
      },
    ],
  },
};

const onMigSlices: ClassroomSpecInput = {
  model: { id: 'Qwen/Qwen2.5-7B-Instruct', storage: { size: '50Gi', storageClassName: 'fast' } },
  gpu: { sharing: 'MIG', migProfile: '1g.10gb', tolerations: [{ operator: 'Exists' }] },
  engine: { env: [{ name: 'HTTPS_PROXY', secretKeyRef: { name: 'proxy', key: 'url' } }] },
  schedule: {
    sessions: [{ days: ['Tue'], start: '09:00', end: '17:00' }],
    exceptions: [{ date: '2026-12-25', closed: true }],
  },
  fineTuning: {
    window,
    jobs: [{ name: 'sql-tutor', dataset: { claimName: 'datasets', path: 'sql.jsonl' } }],
  },
};

const onTimeSlices: ClassroomSpecInput = {
  model: { id: 'Qwen/Qwen2.5-7B-Instruct' },
  gpu: { sharing: 'TimeSliced', slicesPerGPU: 4 },
};

const time = '2026-12-01T10:30:00Z';

const readyCondition = {
  type: 'Ready',
  status: 'True' as const,
  observedGeneration: 1,
  lastTransitionTime: time,
  reason: 'AllEnginesReady',
  message: '4 engines answer.',
};

const classroomStatus: ClassroomStatus = {
  conditions: [readyCondition],
  observedGeneration: 1,
  replicas: 4,
  readyReplicas: 4,
  selector: 'gpu-classroom.io/classroom=python-101',
  students: 20,
  servedName: 'qwen2.5-7b-instruct',
  baseURL: 'http://gateway.example.com/v1',
  plan: {
    maxModelLen: 4096,
    maxNumSeqs: 32,
    maxNumBatchedTokens: 2048,
    gpuMemoryUtilizationPercent: 90,
    kvCacheMemoryMiB: 6000,
    kvCacheTokens: 112_000,
    studentsPerReplica: 6,
    memory: {
      totalMiB: 22_528,
      budgetMiB: 20_275,
      weightsMiB: 14_600,
      activationsMiB: 1060,
      graphsMiB: 0,
      overheadMiB: 225,
      heldBackMiB: 0,
      kvCacheMiB: 4390,
    },
    confidence: 'High',
    warnings: ['one shared engine is faster'],
    resourceName: 'nvidia.com/gpu',
    basis: 'as the spec says',
  },
  engines: [
    {
      name: 'python-101-engine-0',
      state: 'Failing',
      node: 'node-1',
      reason: 'OutOfGPUMemory',
      message: 'out of memory',
      adapters: ['sql-tutor'],
      kvCacheTokens: 100_000,
      startedBeside: 'python-101-engine-1',
    },
  ],
  adapters: [
    {
      name: 'sql-tutor',
      model: 'qwen2.5-7b-instruct:sql-tutor',
      path: 'adapters/sql-tutor',
      state: 'Failed',
      loadedEngines: 1,
      message: 'its rank is too high',
    },
  ],
  failures: {
    specHash: '0123456789abcdef',
    memorySteps: [{ setting: 'MaxNumSeqs', from: '16', to: '8', reason: 'OutOfGPUMemory', time }],
    reason: 'OutOfGPUMemory',
    message: 'out of memory',
    count: 1,
    lastEnd: '2026-12-01T10:30:00Z python-101-engine-0',
    retries: 1,
    held: { since: time, retryTime: time },
  },
  nodePreparation: {
    offered: 0,
    needed: 7,
    nodes: [{ name: 'h100-1', step: 'Configuring', layout: 'all-1g.10gb', since: time }],
    commands: 'kubectl cordon h100-1',
  },
  lastLoadSeconds: 90,
  largestKvCache: { commandHash: '0123456789abcdef', tokens: 100_000 },
  lastReadyTime: time,
  timetable: {
    timeZone: 'Asia/Shanghai',
    session: { start: '2026-12-01T18:00:00+08:00', end: '2026-12-01T20:00:00+08:00' },
    nextSession: { start: '2026-12-02T18:00:00+08:00', end: '2026-12-02T20:00:00+08:00' },
    openUntil: '2026-12-01T20:30:00+08:00',
    nextChangeTime: '2026-12-01T20:30:00+08:00',
    nextChange: 'closes Tue 2026-12-01 20:30',
  },
  access: { mode: 'Exam', changedTime: time, changedBy: 'ms-chen' },
  reportKey: { secretName: 'python-101-report-key', sha256: 'a'.repeat(64), createdTime: time },
};

const everySeatField: StudentQuotaSpecInput = {
  classroomRef: { name: 'python-101' },
  student: { id: 'alice', displayName: 'Alice Zhang', group: 'blue' },
  limits: {
    requestsPerMinute: 60,
    tokensPerMinute: 40_000,
    tokensPerDay: 1_000_000,
    tokensTotal: 10_000_000,
    concurrentRequests: 4,
    maxOutputTokens: 2048,
  },
  weight: 2,
  access: 'Suspended',
  expiresAt: '2027-01-31T00:00:00Z',
  boost: { factor: 2, until: time },
  keyRotation: { generation: 2, overlapMinutes: 30 },
};

const plainSeat: StudentQuotaSpecInput = { classroomRef: { name: 'python-101' }, student: { id: 'alice' } };

const studentQuotaStatus: StudentQuotaStatus = {
  conditions: [readyCondition],
  observedGeneration: 1,
  secretName: 'python-101-alice-api-key',
  keys: [{ generation: 1, sha256: 'a'.repeat(64), createdTime: time, expiresTime: time }],
  usage: { asOf: time, requestsToday: 1, tokensToday: 100, tokensTotal: 1000 },
  quotaWarnings: [{ budget: 'Day', level: 'NearlyUsed', limit: 1000, day: '2026-12-01' }],
};

/** Names of the objects, their specs and one full status for each kind. */
export const examples = {
  Classroom: {
    name: 'python-101',
    specs: [everythingOnWholeGpus, onMigSlices, onTimeSlices],
    status: classroomStatus,
  },
  StudentQuota: { name: 'python-101-alice', specs: [everySeatField, plainSeat], status: studentQuotaStatus },
};
