import { cacheCapacity } from '../memory/kv-cache.ts';
import { MIB } from '../memory/units.ts';
import type { PlanRequest, SequenceTerm } from '../plan-types.ts';
import { graphStepBelow } from './graph-steps.ts';
import type { MemoryPlan } from './memory-sum.ts';
import { SEQUENCES_PER_TEN_STUDENTS, type Situation } from './situation.ts';

/** What the KV cache of one engine carries. */
export interface Capacity {
  kvCacheTokens: number;
  fullLengthSequences: number;
  maxConcurrentSequences: number;
  maxNumSeqs: number;
  sequenceTerm: SequenceTerm;
  sequenceBasis: string;
  students: number;
  studentsBasis: string;
}

/** A request holds its whole context at worst; of longer contexts few use more than this at once. */
const EXPECTED_TOKENS_AT_MOST = 8192;

/** Tokens that a running request holds, where nobody says so. */
function expectedTokens({ expectedTokensPerRequest, maxModelLen }: PlanRequest): number {
  return Math.min(maxModelLen, expectedTokensPerRequest ?? EXPECTED_TOKENS_AT_MOST);
}

/**
 * From bytes to sequences and students. Which term decided is said.
 */
export function capacityOf(situation: Situation, { memory, layout }: MemoryPlan): Capacity {
  const { request } = situation;
  const cacheBytes = Math.max(0, memory.kvCacheMiB) * MIB;
  const { tokens, fullLengthSequences } = cacheCapacity(layout, cacheBytes, request.maxModelLen);
  const expected = expectedTokens(request);
  const atOnce = Math.floor(cacheBytes / layout.blockBytes) / layout.blocksForRequest(expected);
  const sequences = sequencesOf(situation, atOnce, expected);
  return {
    kvCacheTokens: tokens,
    fullLengthSequences,
    maxConcurrentSequences: Math.min(sequences.maxNumSeqs, Math.floor(fullLengthSequences)),
    ...sequences,
    ...studentsOf(request, sequences.maxNumSeqs, atOnce, expected),
  };
}

/**
 * Never fewer where the planner decides: most requests are shorter than expected, and of those that outgrow the cache
 * vLLM computes some again, which costs less than to compute few at a time.
 */
const LEAST_SEQUENCES = 8;

type Sequences = Pick<Capacity, 'maxNumSeqs' | 'sequenceTerm' | 'sequenceBasis'>;

function sequencesOf({ request, batch }: Situation, atOnce: number, expected: number): Sequences {
  if (request.maxNumSeqs !== undefined) {
    return { maxNumSeqs: request.maxNumSeqs, sequenceTerm: 'spec', sequenceBasis: 'as stated' };
  }
  const byCache = Math.max(LEAST_SEQUENCES, graphStepBelow(Math.floor(atOnce)));
  if (byCache < batch.maxNumSeqs) {
    const rounded = byCache > atOnce ? 'shorter ones share it' : 'rounded down to a CUDA graph';
    return {
      maxNumSeqs: byCache,
      sequenceTerm: 'kvCache',
      sequenceBasis: `the KV cache holds ${atOnce.toFixed(1)} requests of ${expected} tokens; ${rounded}`,
    };
  }
  if (request.maxNumBatchedTokens === batch.maxNumSeqs) {
    const sequenceBasis = 'not more than the tokens of a step, as stated';
    return { maxNumSeqs: batch.maxNumSeqs, sequenceTerm: 'batchedTokens', sequenceBasis };
  }
  if (request.studentsPerReplica === undefined) {
    const sequenceBasis = 'as many as is useful where nobody says how many students an engine carries';
    return { maxNumSeqs: batch.maxNumSeqs, sequenceTerm: 'default', sequenceBasis };
  }
  return {
    maxNumSeqs: batch.maxNumSeqs,
    sequenceTerm: 'students',
    sequenceBasis: `${request.studentsPerReplica} students × ${SEQUENCES_PER_TEN_STUDENTS / 10}, rounded up to a CUDA graph`,
  };
}

/**
 * An engine carries as many students as can all have the requests they are allowed in flight, of the expected length,
 * with a sixth of the cache to spare; and never more than its sequences allow.
 */
function studentsOf(
  request: PlanRequest,
  maxNumSeqs: number,
  atOnce: number,
  expected: number,
): Pick<Capacity, 'students' | 'studentsBasis'> {
  const { studentsPerReplica, requestsPerStudent } = request;
  if (studentsPerReplica !== undefined) return { students: studentsPerReplica, studentsBasis: 'as stated' };
  const byCache = Math.floor((atOnce * 10) / (SEQUENCES_PER_TEN_STUDENTS * requestsPerStudent));
  const bySequences = Math.floor((maxNumSeqs * 10) / SEQUENCES_PER_TEN_STUDENTS);
  if (bySequences < byCache) {
    const studentsBasis = `${maxNumSeqs} sequences ÷ ${SEQUENCES_PER_TEN_STUDENTS / 10} a student`;
    return { students: Math.max(1, bySequences), studentsBasis };
  }
  return {
    students: Math.max(1, byCache),
    studentsBasis: `the KV cache holds ${atOnce.toFixed(1)} requests of ${expected} tokens ÷ ${requestsPerStudent} a student ÷ ${SEQUENCES_PER_TEN_STUDENTS / 10}`,
  };
}
