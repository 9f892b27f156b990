/** Every reason of an event that the operator records: transitions that a person wants to know of, not passes. */
export const EVENT_REASONS = {
  /** Classroom: objects were made or brought back to what is wanted. */
  childrenApplied: 'ChildrenApplied',
  /** Classroom: an object that is no longer wanted was deleted. */
  childDeleted: 'ChildDeleted',
  /** Both: an object of the name we need belongs to somebody else and was left alone. */
  nameConflict: 'NameConflict',
  /** Both: the API server refused an object. */
  applyRefused: 'ApplyRefused',
  /** Classroom: the spec cannot be acted on. */
  specInvalid: 'SpecInvalid',
  /** Classroom: an engine began to answer. */
  engineReady: 'EngineReady',
  /** Classroom: an engine began to fail. */
  engineFailing: 'EngineFailing',
  /** Classroom: an engine that was broken is started anew. */
  engineRestarted: 'EngineRestarted',
  /** Classroom: the KV cache of an engine is smaller than planned. */
  engineNotAsPlanned: 'EngineNotAsPlanned',
  /** Classroom: a setting was lowered, because an engine ran out of GPU memory. */
  memoryStepTaken: 'MemoryStepTaken',
  /** Classroom: engines are no longer started, because they fail again and again. */
  enginesHeld: 'EnginesHeld',
  /** Classroom: engines that were held are started again. */
  enginesRetried: 'EnginesRetried',
  /** Classroom: there are no GPUs for engines that are wanted. */
  gpuUnavailable: 'GPUUnavailable',
  /** Classroom: an adapter cannot be loaded. */
  adapterFailed: 'AdapterFailed',
  /** Classroom: an adapter made an engine die, and is not loaded any more. */
  adapterQuarantined: 'AdapterQuarantined',
  /** Classroom: every engine that answers has the adapters. */
  adaptersLoaded: 'AdaptersLoaded',
  /** Classroom: the engines wanted do not fit the GPU, and were not started. */
  doesNotFit: 'DoesNotFit',
  /** Classroom: a change waits until engines may be restarted. */
  rolloutPending: 'RolloutPending',
  /** Classroom: engines are being replaced by ones that run as the spec says. */
  rolloutStarted: 'RolloutStarted',
  /** Classroom: it was the turn of an engine to start, beside others on its GPU. */
  engineStarted: 'EngineStarted',
  /** Classroom: the operator began to change how the GPUs of a node are shared. */
  nodePreparationStarted: 'NodePreparationStarted',
  /** Classroom: a node was changed, and takes pods again. */
  nodePrepared: 'NodePrepared',
  /** Classroom: a node was let go as it was, because something came between. */
  nodePreparationGivenUp: 'NodePreparationGivenUp',
  /** Classroom: changing a node failed half-way; it stays cordoned. */
  nodePreparationFailed: 'NodePreparationFailed',
  /** Classroom: it opened, by timetable or by a person. */
  classOpened: 'ClassOpened',
  /** Classroom: it closed, by timetable or by a person. */
  classClosed: 'ClassClosed',
  /** Classroom: somebody changed `access`. */
  accessChanged: 'AccessChanged',
  /** Classroom: what a gateway says of requests is not believed, for its clock is ahead. */
  gatewayClockAhead: 'GatewayClockAhead',
  /** StudentQuota, and Classroom for the key of its report. */
  keyIssued: 'KeyIssued',
  keyRotated: 'KeyRotated',
  /** Both: the key was lost with its Secret; there is a new one. */
  keyReplaced: 'KeyReplaced',
  /** Both: the Secret was brought back to what it should hold, with the same key. */
  secretHealed: 'SecretHealed',
  /** Both: a boost began to raise limits, or did so no longer. */
  boostStarted: 'BoostStarted',
  boostEnded: 'BoostEnded',
  /** StudentQuota: a rotation that was asked for waits until the exam is over. */
  keyRotationDeferred: 'KeyRotationDeferred',
  /** StudentQuota: most of a budget of tokens is used, or all of it. */
  quotaNearlyUsed: 'QuotaNearlyUsed',
  quotaUsedUp: 'QuotaUsedUp',
  /** StudentQuota: an older seat in the class is of the same student. */
  duplicateStudent: 'DuplicateStudent',
  seatSuspended: 'SeatSuspended',
  seatResumed: 'SeatResumed',
  seatExpired: 'SeatExpired',
} as const;

export type EventReason = (typeof EVENT_REASONS)[keyof typeof EVENT_REASONS];
