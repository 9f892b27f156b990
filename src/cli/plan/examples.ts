import type { Example } from '../command.ts';

/** Of `plan`; the class is one of the repository's samples. */
export const EXAMPLES: readonly Example[] = [
  {
    about: 'twenty students on A10 GPUs: how many engines?',
    command: 'kubectl classroom plan --model Qwen/Qwen2.5-7B-Instruct --gpu A10 --students 20',
  },
  {
    about: 'a seventh of an H100 by MIG',
    command: 'kubectl classroom plan --model Qwen/Qwen2.5-1.5B-Instruct --gpu H100-80 --mig-profile 1g.10gb',
  },
  {
    about: 'four time-slices of an A10: too small for 7B, and what would fit',
    command: 'kubectl classroom plan --model qwen2.5-7b --gpu A10 --slices-per-gpu 4',
  },
  {
    about: 'which model on which GPU, for thirty students?',
    command:
      'kubectl classroom plan --model Qwen/Qwen2.5-7B-Instruct,Qwen/Qwen2.5-1.5B-Instruct --gpu T4,A10,H100-80 --students 30',
  },
  {
    about: 'a class as it is written, with another context length, for a script',
    command: 'kubectl classroom plan --from manifests/samples/python-101.yaml --max-model-len 8192 -o json',
  },
];

/** A command line with several mistakes, to show how they are told. */
export const MISTAKE =
  'kubectl classroom plan --modle Qwen/Qwen2.5-7B-Instruct --gpu A11 --max-model-len 4k --students';
