import type { OperatorDependencies } from '../reconcile/controller.ts';
import type { AddressOfPod } from '../vllm/pod-address.ts';
import type { CallEngine } from './engine-calls.ts';
import type { ObservedBoards } from './observe.ts';

/** What the controllers around a class get: besides caches and writing, the engines, and what the others found out. */
export interface ClassroomDependencies extends OperatorDependencies, ObservedBoards {
  callEngine: CallEngine;
  /** Where an engine listens. */
  addressOf: AddressOfPod;
}
