/**
 * Every condition type and reason that the operator writes, in one place: programs match on them, so they are API.
 * A reason is never reused with another meaning.
 */

/** Condition type of a Classroom as of a StudentQuota: its own boost raises limits now; absent where it has none. */
export const BOOSTED = 'Boosted';

/** Boosted: whether the boost counts. */
export const BOOST_REASONS = {
  /** True: until the time in the message. */
  boostRunning: 'BoostRunning',
  /** False: its end has passed. */
  boostOver: 'BoostOver',
  /** False: none counts in an exam. */
  boostPaused: 'BoostPaused',
} as const;

/** Condition types of a Classroom. */
export const CLASSROOM_CONDITIONS = {
  /** The summary: students are served. */
  ready: 'Ready',
  /** The spec makes sense beyond what the schema can say. */
  specValid: 'SpecValid',
  /** Every object the class needs is there as wanted. */
  childrenApplied: 'ChildrenApplied',
  /** The engines wanted answer. */
  enginesReady: 'EnginesReady',
  /** An engine with these figures fits its GPU; if not, it is not started. */
  fits: 'Fits',
  /** The spec has changed in a way that restarts engines, and they still run as before. */
  rolloutPending: 'RolloutPending',
  /** Every engine that answers has the adapters of the spec; absent where the spec names none. */
  adaptersLoaded: 'AdaptersLoaded',
  /** There are GPUs for the engines wanted. */
  gpuAvailable: 'GPUAvailable',
  /** The nodes that the class means share their GPUs as it needs, for all engines it may have. */
  nodesPrepared: 'NodesPrepared',
  /** The engines' KV caches hold what was planned. */
  engineAsPlanned: 'EngineAsPlanned',
  /** The class is open by timetable and access; whether engines answer is another matter. */
  open: 'Open',
  /** The class's own boost raises limits now; absent where it has none. */
  boosted: BOOSTED,
  /** Fields are set that this version accepts and does not act on yet. */
  featurePending: 'FeaturePending',
} as const;

/** Open: why the class is open or closed. */
export const OPENING_REASONS = {
  /** True: there is no timetable. */
  alwaysOpen: 'AlwaysOpen',
  /** True: a session runs. */
  sessionRunning: 'SessionRunning',
  /** True: no session runs, and somebody opened the class for a while. */
  extended: 'Extended',
  /** True: no session runs, and the class is open outside of sessions. */
  outsideSessionsOpen: 'OutsideSessionsOpen',
  /** False: no session runs. */
  outsideSessions: 'OutsideSessions',
  /** False: `access` is Closed. */
  accessClosed: 'AccessClosed',
} as const;

export type OpeningReason = (typeof OPENING_REASONS)[keyof typeof OPENING_REASONS];

/** Why an engine does not fit: the planner's codes, as reasons. */
export const MISFIT_REASONS = {
  unknownMigProfile: 'UnknownMigProfile',
  invalidModelFacts: 'InvalidModelFacts',
  tensorParallelOnSlice: 'TensorParallelOnSlice',
  tensorParallelUnsuited: 'TensorParallelUnsuited',
  contextTooLong: 'ContextTooLong',
  unsupportedOnGpu: 'UnsupportedOnGpu',
  invalidArguments: 'InvalidArguments',
  weightsTooLarge: 'WeightsTooLarge',
  noMemoryForCache: 'NoMemoryForCache',
  cacheSmallerThanOneRequest: 'CacheSmallerThanOneRequest',
  engineExceedsGpu: 'EngineExceedsGpu',
  utilizationTooHigh: 'UtilizationTooHigh',
} as const;

/** GPUAvailable: why there are or are not GPUs for the engines wanted. */
const GPU_REASONS = {
  /** True: every engine wanted has its GPU. */
  enginesPlaced: 'EnginesPlaced',
  /** True: those that have none yet find room. */
  gpusFree: 'GPUsFree',
  /** False: no node of the cluster has a GPU that Kubernetes knows of. */
  noGpuNode: 'NoGPUNode',
  /** False: no node has this product. */
  productNotFound: 'ProductNotFound',
  /** False: no such node has the labels of `gpu.nodeSelector`. */
  nodeSelectorUnmatched: 'NodeSelectorUnmatched',
  /** False: the GPUs are offered by dynamic resource allocation only. */
  draOnly: 'DRAOnly',
  /** False: nodes have GPUs that no device plugin advertises. */
  gpusNotAdvertised: 'GPUsNotAdvertised',
  /** False: no node offers the extended resource that the engines ask for. */
  resourceNotAdvertised: 'ResourceNotAdvertised',
  /** False: slices that MIG strategy single forbids. */
  migInvalid: 'MIGInvalid',
  /** False: what the labels say is not what the device plugin advertises. */
  labelsContradict: 'LabelsContradict',
  /** False: the GPUs are shared by MPS, which engines are not planned for. */
  sharedByMps: 'SharedByMPS',
  /** False: no node has MIG slices of this profile. */
  migSlicesMissing: 'MIGSlicesMissing',
  /** False: the GPUs are shared in another way than the class wants. */
  sharingDiffers: 'SharingDiffers',
  /** False: no node has as many GPUs as one engine spans. */
  tooFewGpusPerNode: 'TooFewGPUsPerNode',
  /** False: the nodes have a taint that the engines do not tolerate. */
  taintNotTolerated: 'TaintNotTolerated',
  /** False: the device plugin says that the GPUs are broken. */
  gpusUnhealthy: 'GPUsUnhealthy',
  /** False: the nodes are away. */
  nodesNotReady: 'NodesNotReady',
  /** False: the nodes are cordoned. */
  nodesCordoned: 'NodesCordoned',
  /** False: the nodes that can carry engines have fewer GPUs than are wanted, whoever holds them. */
  tooFewGpus: 'TooFewGPUs',
  /** False: there are enough, and other pods hold them. */
  gpusTaken: 'GPUsTaken',
  /** Unknown: the operator may not read nodes. */
  nodesNotReadable: 'NodesNotReadable',
  /** Unknown: `gpu.resourceName` is none that nodes are looked at for. */
  resourceNotFollowed: 'ResourceNotFollowed',
  /** Unknown: the API server has not told of the nodes yet. */
  nodesNotRead: 'NodesNotRead',
} as const;

export const CLASSROOM_REASONS = {
  /** Ready: everything wanted is there and answers. */
  serving: 'Serving',
  /** Ready: some engines answer, others do not yet; students are served, more slowly. */
  partlyServing: 'PartlyServing',
  /** Ready: the class is open and its engines sleep, because nobody asks; the first request wakes them. */
  asleep: 'Asleep',
  /** Ready: no student is served, because the class is closed: see the condition Open. */
  closed: 'Closed',
  /** Open. */
  ...OPENING_REASONS,
  /** Boosted. */
  ...BOOST_REASONS,
  /** SpecValid. */
  accepted: 'Accepted',
  /** SpecValid: an argument in `engine.extraArgs` belongs to the operator. */
  argumentDenied: 'ArgumentDenied',
  /** SpecValid: the object does not follow the schema of this version. */
  specUnreadable: 'SpecUnreadable',
  /** SpecValid: `schedule.timeZone` is no time zone that this version knows. */
  timeZoneUnknown: 'TimeZoneUnknown',
  /** ChildrenApplied. */
  applied: 'Applied',
  /** ChildrenApplied: an object of the name we need belongs to somebody else. */
  nameConflict: 'NameConflict',
  /** ChildrenApplied: an object of an earlier class of this name is still being deleted. */
  awaitingDeletion: 'AwaitingDeletion',
  /** ChildrenApplied: the API server refused an object. */
  applyRefused: 'ApplyRefused',
  /** ChildrenApplied: nothing was applied because of another condition. */
  withheld: 'Withheld',
  /** EnginesReady. */
  allReady: 'AllReady',
  /** EnginesReady: no engine is wanted. */
  noneWanted: 'NoneWanted',
  /** EnginesReady: engines that share a GPU start one after another. */
  awaitingTurn: 'AwaitingTurn',
  /** EnginesReady: engines wait for a node. */
  scheduling: 'Scheduling',
  /** EnginesReady: engines load the model. */
  loading: 'Loading',
  /** EnginesReady: at least one engine fails. */
  failing: 'Failing',
  /** EnginesReady: engines are being stopped or replaced. */
  stopping: 'Stopping',
  /** AdaptersLoaded. */
  allAdaptersLoaded: 'AllAdaptersLoaded',
  /** AdaptersLoaded: engines are being told to load them. */
  adaptersLoading: 'AdaptersLoading',
  /** AdaptersLoaded: no engine answers yet, or engines must be started anew first. */
  adaptersWaiting: 'AdaptersWaiting',
  /** AdaptersLoaded: at least one adapter cannot be loaded; the base model is served all the same. */
  adapterFailed: 'AdapterFailed',
  /** AdaptersLoaded: at least one adapter made an engine die, and is not loaded any more. */
  adapterQuarantined: 'AdapterQuarantined',
  /** Fits: as the planner computed. */
  planFits: 'PlanFits',
  /** Fits: Unknown, because no node and no field says how much memory an engine has. */
  gpuMemoryUnknown: 'GPUMemoryUnknown',
  /** Fits: Unknown, because nothing is known of the model. */
  modelUnknown: 'ModelUnknown',
  /** Fits: False, for one of these. */
  ...MISFIT_REASONS,
  /** RolloutPending: False, engines run as the spec says. */
  upToDate: 'UpToDate',
  /** RolloutPending: until nobody asks. */
  awaitingIdle: 'AwaitingIdle',
  /** RolloutPending: until the class is over. */
  awaitingClassEnd: 'AwaitingClassEnd',
  /** RolloutPending: until the exam is over. */
  awaitingExamEnd: 'AwaitingExamEnd',
  /** RolloutPending: a plan that does not fit is not applied. */
  planDoesNotFit: 'PlanDoesNotFit',
  ...GPU_REASONS,
  /** NodesPrepared. */
  prepared: 'Prepared',
  /** NodesPrepared: a person can make nodes offer more; the message says how. */
  preparationNeeded: 'PreparationNeeded',
  /** NodesPrepared: the operator is at work on a node, or about to be. */
  preparationRunning: 'PreparationRunning',
  /** NodesPrepared: it failed half-way; the node stays cordoned until a person has looked. */
  preparationFailed: 'PreparationFailed',
  /** NodesPrepared: the operator may not change nodes. */
  rightsMissing: 'RightsMissing',
  /** NodesPrepared: pods of others use the GPUs of the node. */
  foreignGPUPods: 'ForeignGPUPods',
  /** NodesPrepared: no node offers what is needed, and none can be made to. */
  noSuitableNode: 'NoSuitableNode',
  /** NodesPrepared: Unknown, because nodes cannot be read. */
  nodesUnknown: 'NodesUnknown',
  /** EngineAsPlanned. */
  asPlanned: 'AsPlanned',
  /** EngineAsPlanned: Unknown, no engine has said yet what its KV cache holds. */
  notMeasured: 'NotMeasured',
  /** EngineAsPlanned: Unknown, rules of thumb say nothing of the KV cache. */
  notPlanned: 'NotPlanned',
  /** EngineAsPlanned: engines on one GPU measured each other's memory at their start. */
  startRace: 'StartRace',
  /** EngineAsPlanned: a KV cache is smaller than planned, and no other engine is to blame. */
  smallerThanPlanned: 'SmallerThanPlanned',
  /** FeaturePending. */
  fieldsIgnored: 'FieldsIgnored',
  allFieldsActive: 'AllFieldsActive',
} as const;

/**
 * Why an engine fails: reasons of EnginesReady and of `status.engines`, each with one next step. What they mean and
 * how they are told apart is in `src/classroom/failures/`.
 */
export const ENGINE_FAILURE_REASONS = {
  modelNotFound: 'ModelNotFound',
  revisionNotFound: 'RevisionNotFound',
  modelTokenMissing: 'ModelTokenMissing',
  modelGated: 'ModelGated',
  hubUnreachable: 'HubUnreachable',
  noSpaceLeft: 'NoSpaceLeft',
  volumeNotWritable: 'VolumeNotWritable',
  weightsUnreadable: 'WeightsUnreadable',
  modelUnsupported: 'ModelUnsupported',
  gpuUnsuited: 'GPUUnsuited',
  quantizationMismatch: 'QuantizationMismatch',
  contextAboveModel: 'ContextAboveModel',
  batchedTokensTooFew: 'BatchedTokensTooFew',
  tensorParallelIndivisible: 'TensorParallelIndivisible',
  tooFewGPUs: 'TooFewGPUs',
  argumentRefused: 'ArgumentRefused',
  adapterNotFound: 'AdapterNotFound',
  adaptersUnsupported: 'AdaptersUnsupported',
  serviceNameCollision: 'ServiceNameCollision',
  migDeviceSelected: 'MIGDeviceSelected',
  driverTooOld: 'DriverTooOld',
  noVisibleGPU: 'NoVisibleGPU',
  gpuAllocationFailed: 'GPUAllocationFailed',
  gpuMemoryTaken: 'GPUMemoryTaken',
  memoryProfilingDisturbed: 'MemoryProfilingDisturbed',
  weightsDoNotFit: 'WeightsDoNotFit',
  kvCacheTooSmall: 'KVCacheTooSmall',
  samplerOutOfMemory: 'SamplerOutOfMemory',
  outOfGPUMemoryAtStart: 'OutOfGPUMemoryAtStart',
  outOfGPUMemory: 'OutOfGPUMemory',
  engineDied: 'EngineDied',
  startFailed: 'StartFailed',
  startTimedOut: 'StartTimedOut',
  healthCheckFailed: 'HealthCheckFailed',
  killed: 'Killed',
  hostOutOfMemory: 'HostOutOfMemory',
  evicted: 'Evicted',
  nodeLost: 'NodeLost',
  imageNotPulled: 'ImageNotPulled',
  tokenSecretMissing: 'TokenSecretMissing',
  containerNotStarted: 'ContainerNotStarted',
} as const;

export type EngineFailureReason = (typeof ENGINE_FAILURE_REASONS)[keyof typeof ENGINE_FAILURE_REASONS];

/** Condition types of a StudentQuota. */
export const STUDENT_QUOTA_CONDITIONS = {
  /** The summary: this student can work. */
  ready: 'Ready',
  /** The class of `classroomRef` exists. */
  classroomFound: 'ClassroomFound',
  /** A valid key is in the student's Secret. */
  keyIssued: 'KeyIssued',
  /** The seat's own boost raises its limits now; absent where it has none. */
  boosted: BOOSTED,
} as const;

export const STUDENT_QUOTA_REASONS = {
  /** Ready. */
  active: 'Active',
  suspended: 'Suspended',
  expired: 'Expired',
  /** Ready: waits for another condition to become true. */
  waiting: 'Waiting',
  /** The object does not follow the schema of this version. */
  specUnreadable: 'SpecUnreadable',
  /** ClassroomFound. */
  found: 'Found',
  notFound: 'NotFound',
  /** KeyIssued. */
  issued: 'Issued',
  /** KeyIssued: older keys work too until their overlap ends. */
  rotating: 'Rotating',
  /** KeyIssued: the key before was lost with its Secret, so there is a new one that the student must be given. */
  keyReplaced: 'KeyReplaced',
  /** KeyIssued: a rotation that was asked for waits until the exam is over. */
  rotationDeferred: 'RotationDeferred',
  /** KeyIssued: the Secret of our name belongs to somebody else. */
  nameConflict: 'NameConflict',
  /** KeyIssued: an older seat in the class is of the same student. */
  duplicateStudent: 'DuplicateStudent',
  /** KeyIssued: the API server refused the Secret. */
  applyRefused: 'ApplyRefused',
  /** KeyIssued: no key is made because of another condition. */
  withheld: 'Withheld',
  /** Boosted. */
  ...BOOST_REASONS,
} as const;
