import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../../api/reasons.ts';

/** What a condition of a class asks, and what its answers mean. */
interface ConditionWords {
  /** What holds when the condition is True, for people. */
  readonly whenTrue: string;
  readonly whenFalse: string;
  /** Whether True is what one wants; of a state neither is wrong; a note says that something waits. */
  readonly kind: 'Wanted' | 'State' | 'Note';
}

type ConditionType = (typeof CLASSROOM_CONDITIONS)[keyof typeof CLASSROOM_CONDITIONS];

const TYPES = CLASSROOM_CONDITIONS;

/** In words, all condition types of a class. */
export const CONDITION_WORDS: Readonly<Record<ConditionType, ConditionWords>> = {
  [TYPES.ready]: { whenTrue: 'Students are served', whenFalse: 'Students are not served', kind: 'Wanted' },
  [TYPES.specValid]: {
    whenTrue: 'The class can be acted on',
    whenFalse: 'The class cannot be acted on as it is written',
    kind: 'Wanted',
  },
  [TYPES.fits]: {
    whenTrue: 'The model fits its GPU',
    whenFalse: 'The model does not fit its GPU',
    kind: 'Wanted',
  },
  [TYPES.gpuAvailable]: {
    whenTrue: 'There are GPUs for the engines',
    whenFalse: 'There are no GPUs for the engines',
    kind: 'Wanted',
  },
  [TYPES.nodesPrepared]: {
    whenTrue: 'The nodes share their GPUs as needed',
    whenFalse: 'The nodes do not share their GPUs as needed',
    kind: 'Wanted',
  },
  [TYPES.childrenApplied]: {
    whenTrue: 'The objects of the class are in place',
    whenFalse: 'The objects of the class are not all in place',
    kind: 'Wanted',
  },
  [TYPES.enginesReady]: {
    whenTrue: 'The engines answer',
    whenFalse: 'The engines do not all answer',
    kind: 'Wanted',
  },
  [TYPES.engineAsPlanned]: {
    whenTrue: 'The engines have the memory that was planned',
    whenFalse: 'The engines do not have the memory that was planned',
    kind: 'Wanted',
  },
  [TYPES.adaptersLoaded]: {
    whenTrue: 'The adapters are loaded',
    whenFalse: 'The adapters are not all loaded',
    kind: 'Wanted',
  },
  [TYPES.rolloutPending]: {
    whenTrue: 'A change waits until engines may be restarted',
    whenFalse: 'No change waits',
    kind: 'Note',
  },
  [TYPES.open]: {
    whenTrue: 'The class is open',
    whenFalse: 'The class is closed',
    kind: 'State',
  },
  [TYPES.boosted]: {
    whenTrue: 'The limits are raised for a while',
    whenFalse: 'The boost does not count',
    kind: 'Note',
  },
  [TYPES.featurePending]: {
    whenTrue: 'Some fields have no effect yet',
    whenFalse: 'All fields have their effect',
    kind: 'Note',
  },
};

/** What is as it should be, though not in the words of its type: nobody asks for engines that are not to run. */
const RESTING: Readonly<Record<string, string>> = {
  [CLASSROOM_REASONS.asleep]: 'The engines sleep until somebody asks',
  [CLASSROOM_REASONS.closed]: 'The engines do not run while the class is closed',
  [CLASSROOM_REASONS.noneWanted]: 'No engine is to run',
  [CLASSROOM_REASONS.adaptersWaiting]: 'The adapters are loaded when the engines answer',
};

/** How a condition is, for people: as it should be, not so, not known, or a note. */
export type Mark = 'Good' | 'Bad' | 'Unknown' | 'Note';

const isKnown = (type: string): type is ConditionType => type in CONDITION_WORDS;

/** @returns undefined: nothing to tell. A type that a newer operator writes is told by its own name. */
export function inWords({
  type,
  status,
  reason = '',
}: {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
}): { mark: Mark; words: string } | undefined {
  const resting = RESTING[reason];
  if (resting !== undefined) return { mark: 'Note', words: resting };
  const { whenTrue, whenFalse, kind } = isKnown(type) ? CONDITION_WORDS[type] : wordsOfUnknown(type);
  if (kind === 'Note') return status === 'True' ? { mark: 'Note', words: whenTrue } : undefined;
  switch (status) {
    case 'True':
      return { mark: 'Good', words: whenTrue };
    case 'False':
      return { mark: kind === 'State' ? 'Note' : 'Bad', words: whenFalse };
    case 'Unknown':
      return { mark: 'Unknown', words: `${whenTrue}: not known yet` };
  }
}

function wordsOfUnknown(type: string): ConditionWords {
  return { whenTrue: type, whenFalse: `Not ${type}`, kind: 'Wanted' };
}
