import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

/**
 * What went wrong in other gateways, as far as it is known in public, and which of our tests would notice it here. A
 * test that is renamed or deleted is missed.
 */
interface KnownFailure {
  readonly failure: string;
  /** Where it was reported, if anywhere. */
  readonly seen?: readonly string[];
  /** Files below `test`, each with the name of a test, a row of one, or a group of tests in it. */
  readonly noticedBy: readonly (readonly [file: string, test: string])[];
}

const CONTRACT = 'unit/gateway/limits/admission-contract.ts';
const EXACTNESS = 'e2e/gateway-exactness.test.ts';
const REPLICAS = 'e2e/gateway-exactness-valkey.test.ts';
const UNDER_KILLS =
  '200 clients and small limits, while clients leave, an engine dies, and the gateway is killed twice';
const UNDER_KILLS_OF_REPLICAS =
  '200 clients, small limits and two gateways with one store, while one gateway and one engine are killed';
const SERVED = 'unit/gateway/limits/served-limits.test.ts';
const PRESSED = 'unit/gateway/limits/pressed-limits.test.ts';
const BUCKET = 'unit/gateway/limits/token-bucket.test.ts';
const CHARGE = 'unit/gateway/limits/charge.test.ts';
const RELAY = 'unit/gateway/answer/sse-relay.test.ts';
const PREPARE = 'unit/gateway/request/prepare.test.ts';
const TAKES_A_REQUEST = '%s %j takes a request of the minute';
const NEEDS_TOKENS = '%s %j needs tokens, and is refused before the engine hears of it';

const ADMISSION: readonly KnownFailure[] = [
  {
    failure: 'parallel requests pass a check of tokens together',
    seen: ['litellm#18730', 'litellm#3788', 'litellm#10555', 'envoyproxy/ai-gateway#680'],
    noticedBy: [
      [CONTRACT, 'of requests that come at the same moment, as many are admitted as the limits allow'],
      [SERVED, 'cannot spend the same tokens of the day twice'],
      [EXACTNESS, UNDER_KILLS],
    ],
  },
  {
    failure: 'each replica gives the whole limit',
    seen: ['litellm#27736', 'litellm#40291', 'litellm#2730', 'maximhq/bifrost#3547'],
    noticedBy: [
      [REPLICAS, UNDER_KILLS_OF_REPLICAS],
      ['integration/gateway/valkey-admission.test.ts', 'admit together exactly what the limit of %s allows'],
    ],
  },
  {
    failure: 'a small max_tokens hides a large max_completion_tokens from the reservation',
    seen: ['litellm#34223', 'litellm#37001'],
    noticedBy: [[PREPARE, 'a small old name does not hide a large new one']],
  },
  {
    failure: 'a reservation larger than the limit refuses even the first request, for ever',
    seen: ['litellm#29191', 'litellm#29193', 'litellm#28805'],
    noticedBy: [
      [BUCKET, 'a request larger than the bucket takes a full one, and is refused by one that is not'],
    ],
  },
  {
    failure: 'an endpoint that reserves nothing is not limited',
    seen: ['litellm#35422'],
    noticedBy: [
      [PRESSED, NEEDS_TOKENS],
      [PRESSED, TAKES_A_REQUEST],
    ],
  },
  {
    failure: 'a request without text to count is not checked',
    seen: ['litellm#27001'],
    noticedBy: [['unit/gateway/request/estimate.test.ts', 'nothing at all still has a price']],
  },
  {
    failure: 'a reservation is never given back',
    seen: ['litellm#38111', 'litellm#27509'],
    noticedBy: [
      [
        'unit/gateway/limits/local-admission.test.ts',
        'a lease that nobody settles is charged like one of a crash, and its place is free again',
      ],
      [BUCKET, 'what was reserved and not used is there again, and no more than a full bucket'],
    ],
  },
  {
    failure: 'a key is locked for minutes when most of its limit is used',
    seen: ['litellm#18953'],
    noticedBy: [
      [PRESSED, 'of a minute is served on at once, and never locked out'],
      [PRESSED, 'of a day is served until the rest cannot hold a prompt'],
    ],
  },
  {
    failure: 'a request of the minute is used up although the check of tokens refuses',
    noticedBy: [['unit/gateway/limits/decision.test.ts', 'has changed nothing, whichever limit it was']],
  },
  {
    failure: 'a refusal empties the bucket, or a fraction is dropped when it fills',
    noticedBy: [
      [SERVED, 'are answered up to the limit, and the others cost nothing'],
      [BUCKET, 'fractions of a token are kept, however often somebody looks'],
    ],
  },
  {
    failure: 'the charge after the answer is itself refused when it is over the limit',
    noticedBy: [[SERVED, 'as much as the engine says, also more than was reserved, which is owed']],
  },
  {
    failure: 'the request after the last one is admitted too, because only more than the limit is refused',
    noticedBy: [['unit/gateway/limits/gcra.test.ts', 'a minute of requests may come at once, not one more']],
  },
  {
    failure: 'what was used beyond the limit is forgotten',
    noticedBy: [[BUCKET, 'what was used beyond the reservation is owed, and repaid before the next request']],
  },
  {
    failure: 'one student takes all places within the rate limit',
    seen: ['maximhq/bifrost#4790'],
    noticedBy: [
      [
        'unit/gateway/answer/forward.test.ts',
        'more than the student may have at a time are refused, and the rest is served',
      ],
    ],
  },
  {
    failure: 'a limit answers 503',
    noticedBy: [[SERVED, 'are answered up to the limit, and the others cost nothing']],
  },
  {
    failure: 'a header that the client sets says who asks',
    noticedBy: [['unit/gateway/http-hygiene.test.ts', 'no header but that of the key says who asks']],
  },
  {
    failure: 'there is no fairness where there is one engine',
    noticedBy: [
      [
        'unit/gateway/queue/fairness-simulation.test.ts',
        'the nine wait a twentieth of what they wait when first come is first served, or less',
      ],
    ],
  },
];

const STREAMS: readonly KnownFailure[] = [
  {
    failure: 'a client that leaves in the middle pays nothing',
    seen: ['litellm#14457', 'litellm#17364', 'litellm#33736'],
    noticedBy: [
      [
        'unit/gateway/answer/leaving.test.ts',
        'in the middle of a stream: the engine stops; charged are the prompt and the tokens that came',
      ],
      [EXACTNESS, UNDER_KILLS],
    ],
  },
  {
    failure: 'a usage of zero is replaced by an estimate',
    seen: ['litellm#37992'],
    noticedBy: [[CHARGE, 'complete, with an explicit zero: zero, however much was seen']],
  },
  {
    failure: 'streams whose client did not ask for usage are estimated',
    seen: ['litellm#35290'],
    noticedBy: [
      [RELAY, 'the usage that the client did not ask for is read and hidden'],
      [EXACTNESS, 'undisturbed: the account of all students is what the engines counted, to the token'],
    ],
  },
  {
    failure: 'usage in a chunk that also has text is dropped',
    seen: ['litellm#36168'],
    noticedBy: [[RELAY, 'usage that comes with a token is read too, and cut out of the frame']],
  },
  {
    failure: 'a stream is refused unless its client asks for usage',
    noticedBy: [[PREPARE, 'not asked for']],
  },
  {
    failure: 'the options of a stream that the client set are thrown away',
    noticedBy: [
      [PREPARE, 'continuous usage with usage'],
      [RELAY, 'the usage that the client asked for is passed on'],
    ],
  },
  {
    failure: 'streams are not limited',
    seen: ['litellm#41610', 'envoyproxy/ai-gateway#2394'],
    noticedBy: [
      [PRESSED, NEEDS_TOKENS],
      [PRESSED, TAKES_A_REQUEST],
    ],
  },
  {
    failure: 'a model without a price has no budget',
    seen: ['litellm#25874', 'litellm#37923'],
    noticedBy: [
      [CONTRACT, 'never lets budgets, places or rates be overdrawn by requests that keep to their leases'],
    ],
  },
  {
    failure: 'frames wait for a timer or a batch',
    seen: ['ray-project/ray#59681'],
    noticedBy: [
      [RELAY, 'tokens leave in the turn in which they came, untouched'],
      ['unit/gateway/answer/forward.test.ts', 'every token arrives before the next one is made'],
    ],
  },
  {
    failure: 'requests that were abandoned count as running for ever',
    noticedBy: [
      [
        'unit/gateway/answer/back-pressure.test.ts',
        'a hundred requests that end in every way leave no timer, lease or place behind',
      ],
    ],
  },
];

const OPERATIONS: readonly KnownFailure[] = [
  {
    failure: 'keys stand in errors, logs or records',
    seen: ['litellm#18731', 'litellm#30670', 'litellm#31620', 'litellm#34710', 'litellm#13073'],
    noticedBy: [
      ['unit/gateway/identity/authenticate.test.ts', 'no refusal repeats the key'],
      ['unit/gateway/access-log.test.ts', '%s: one line, without it'],
    ],
  },
  {
    failure: 'a rotated key has no overlap',
    seen: ['litellm#27193', 'litellm#38351', 'litellm#13579', 'maximhq/bifrost#5442'],
    noticedBy: [
      [
        'unit/gateway/identity/directory.test.ts',
        'accepts old and new key while a rotation overlaps, then the new one alone',
      ],
    ],
  },
  {
    failure: 'memory grows until the process is killed',
    seen: ['litellm#12685', 'litellm#15128', 'litellm#27954', 'litellm#21908', 'litellm#38193'],
    noticedBy: [
      [
        'unit/gateway/answer/forward.test.ts',
        '100 requests, some of which are left or die, leave nothing behind',
      ],
      [
        'unit/gateway/answer/forward.test.ts',
        'a slow reader slows the engine down instead of filling memory',
      ],
    ],
  },
  {
    failure: 'what a request waits for before the gateway looks at it cannot be seen',
    noticedBy: [['unit/gateway/metrics.test.ts', 'what is late, and what runs, can be seen']],
  },
  {
    failure: 'of several keys only the first one works',
    seen: ['vllm-project/production-stack#759'],
    noticedBy: [
      [
        'unit/gateway/identity/directory.test.ts',
        'accepts old and new key while a rotation overlaps, then the new one alone',
      ],
    ],
  },
  {
    failure: 'a 429 does not say which limit it was, when it ends, and whom to ask',
    noticedBy: [
      ['unit/gateway/errors.test.ts', '%s says more than what happened: a second sentence says what to do'],
      ['unit/gateway/errors.test.ts', 'names whom to ask, or the trainer where the class names nobody'],
      ['unit/gateway/limits/refusal.test.ts', 'a refusal by a limit'],
    ],
  },
  {
    failure: 'many clients at a time are slow or fail in the gateway before the engine',
    seen: ['gpustack/gpustack#1842'],
    noticedBy: [
      [PRESSED, '256 clients at a time are all answered, and the engine never has more than its plan'],
    ],
  },
];

const folder = join(import.meta.dirname, '../..');

/** Names stand in the source as texts of their own. */
function isNamed([file, name]: readonly [string, string]): boolean {
  return readFileSync(join(folder, file), 'utf8').includes(`'${name}'`);
}

describe.each([
  ['admission', ADMISSION],
  ['streams and usage', STREAMS],
  ['keys, memory and clarity', OPERATIONS],
])('known failures of %s', (_, failures) => {
  test.each(failures.map((known) => [known.failure, known] as const))('%s', (__, { noticedBy }) => {
    expect(noticedBy.filter((one) => !isNamed(one))).toEqual([]);
  });
});
