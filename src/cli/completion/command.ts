import { z } from 'zod';
import { type Program, parseCommandLine, tellWhy } from '../../command-line/parse.ts';
import { oneOf } from '../../command-line/values.ts';
import type { Example, Runnable } from '../command.ts';
import { examplesText } from '../examples-text.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { completionScript, SHELLS } from './scripts.ts';

const completionSchema = z.object({ shell: oneOf(SHELLS) });

const EXAMPLES: readonly Example[] = [
  { about: 'bash, in ~/.bashrc', command: 'source <(kubectl-classroom completion bash)' },
  { about: 'zsh, in ~/.zshrc', command: 'source <(kubectl-classroom completion zsh)' },
  { about: 'fish, in ~/.config/fish/config.fish', command: 'kubectl-classroom completion fish | source' },
  {
    about: 'kubectl classroom, where kubectl itself is completed; a folder of the PATH',
    command:
      'kubectl-classroom completion kubectl > ~/bin/kubectl_complete-classroom && chmod +x ~/bin/kubectl_complete-classroom',
  },
];

const PROGRAM: Program<typeof completionSchema> = {
  name: 'kubectl classroom completion',
  description:
    'Prints a script that lets the shell complete the command line of kubectl-classroom, with the names of classes and students. For kubectl classroom, kubectl calls kubectl_complete-classroom, which npm installs beside it.',
  schema: completionSchema,
  flags: { shell: { spelling: '[shell]', about: SHELLS.join(', '), words: SHELLS } },
  epilogue: examplesText(EXAMPLES),
};

/** `kubectl classroom completion`. */
export const completionCommand: Runnable = {
  usage: { ...PROGRAM, examples: EXAMPLES },
  run(argv, machine) {
    const parsed = parseCommandLine(PROGRAM, argv);
    if (parsed.kind !== 'run') {
      tellWhy(parsed, machine);
      return parsed.kind === 'print' ? EXIT_CODES.done : EXIT_CODES.usage;
    }
    machine.stdout.write(completionScript(parsed.options.shell));
    return EXIT_CODES.done;
  },
};
