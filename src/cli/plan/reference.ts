import type { EnginePlan } from '../../gpu/plan-types.ts';
import { cell } from '../../markdown/table.ts';
import { CONNECTION_FLAGS } from '../cluster/flags.ts';
import type { Terminal } from '../command.ts';
import { flagRow } from '../flag-row.ts';
import { plan } from './command.ts';
import { EXAMPLES, MISTAKE } from './examples.ts';
import { PLAN_FLAGS } from './options.ts';

const PROGRAM = 'kubectl classroom plan ';

/** Every field of the answer, for those who read it by program. */
const FIELDS: Readonly<Record<keyof EnginePlan, string>> = {
  fits: 'whether the engine starts and a request of full length can be computed',
  code: 'why it does not fit, as a stable word, such as `WeightsTooLarge`; absent where it fits',
  reason: 'why it fits or not, in a sentence with the figures',
  memory:
    'the sum, in MiB of one GPU or slice: `totalMiB` as CUDA sees it; `budgetMiB` = `weightsMiB` + `activationsMiB` + `graphsMiB` + `overheadMiB` + `kvCacheMiB`. The KV cache is negative where the rest is too much; `heldBackMiB` is the part of the overhead that the engine takes beyond its budget, or what an estimate keeps for safety',
  physical:
    'what the engine really takes of the GPU, more than its budget: `afterStartMiB`, `underLoadMiB`, of `availableMiB`',
  sum: 'the sum in words, a line for each term',
  kvCacheBytesPerToken: 'bytes that one token takes in the KV cache of one GPU',
  kvCacheTokens: 'tokens that the KV cache holds, as the engine reports it in `vllm:cache_config_info`',
  fullLengthSequences: 'requests of full length that the KV cache holds: vLLM\'s "Maximum concurrency"',
  maxConcurrentSequences: 'requests of full length computed at the same time: at most `--max-num-seqs`',
  students: 'students that one engine carries',
  studentsBasis: 'which term decided that',
  replicas: 'engines for `--students`; 1 without',
  settings: 'the figures of `engineArgs`, by name',
  sequenceTerm: 'which term decided `--max-num-seqs`, as a stable word',
  sequenceBasis: 'the same in words',
  engineArgs: 'arguments of `vllm serve` after the model; empty where it does not fit',
  warnings: 'what works and is worth knowing: `code` as a stable word, `message` for people',
  suggestions:
    'the smallest changes that make it fit, or carry all students, each planned and found to do so: `message`, `change`, and the `kvCacheTokens` and `students` that it gives',
  confidence: '`high`, `medium` or `low`: how far to trust the sum',
  confidenceBasis: 'what that rests on',
  model:
    '`name`, `parameters`, and `source` of its figures: `catalogue`, `config`, `stated` or `estimate`; `packedAs`: how its weights are packed, absent for 16 bits',
  gpu: '`name` and `computeCapability`',
  vllmVersion: 'the release of vLLM the plan is for',
};

/** What the documentation says of `plan`, by placeholder. */
export function planReference(readText: Terminal['readText']): Record<string, string> {
  return {
    'plan-flags': Object.entries(PLAN_FLAGS)
      .flatMap(([field, flag]) => (field in CONNECTION_FLAGS ? [] : [flagRow(flag)]))
      .join('\n'),
    'plan-fields': Object.entries(FIELDS)
      .map(([field, about]) => `| \`${field}\` | ${cell(about)} |`)
      .join('\n'),
    'plan-examples': EXAMPLES.map(({ about, command }) => {
      const { output, code } = outcomeOf(command, readText);
      return `${capitalised(about)}\n\n${shown(command, output)}\nExit code: ${code}.\n`;
    }).join('\n'),
    'plan-mistakes': shown(MISTAKE, outcomeOf(MISTAKE, readText).output),
  };
}

/** Runs one of our own command lines, which have no quotes. */
function outcomeOf(command: string, readText: Terminal['readText']): { output: string; code: number } {
  let output = '';
  const sink = {
    write: (text: string) => {
      output += text;
    },
  };
  const argv = command.slice(PROGRAM.length).split(' ');
  const code = plan(argv, { stdout: sink, stderr: sink, readText });
  return { output, code };
}

function shown(command: string, output: string): string {
  return `\`\`\`console\n$ ${command}\n${output}\`\`\`\n`;
}

function capitalised(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith('?') ? '' : '.'}`;
}
