import type { Handout } from '../../../../src/student/handout/handout.ts';
import { apiKey } from '../builders.ts';

/** Alice's sheet; a case states only what differs. */
export function handout(difference: Partial<Handout> = {}): Handout {
  return {
    seat: 'python-101-alice',
    classroom: 'python-101',
    student: { id: 'alice', displayName: 'Alice Zhang', group: 'blue' },
    settings: { apiKey: apiKey(1), baseURL: 'https://gpu.school.example/v1', model: 'qwen2.5-7b-instruct' },
    limits: {
      requestsPerMinute: 30,
      tokensPerMinute: 20_000,
      tokensPerDay: 500_000,
      concurrentRequests: 2,
      maxOutputTokens: 1024,
    },
    contact: 'Ms Chen, room 214',
    expiresAt: undefined,
    ...difference,
  };
}
