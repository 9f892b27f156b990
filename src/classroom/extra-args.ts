import { DENIED_ENGINE_FLAGS } from '../api/engine.ts';

/** Why one argument cannot be passed on, for a person. */
export interface DeniedArgument {
  argument: string;
  why: string;
}

/**
 * The arguments of `engine.extraArgs` that must not reach the engine. vLLM's parser takes `_` for `-` in flags, takes
 * `--flag=value`, `--flag.key=value` and `--no-flag`, and takes any unambiguous beginning of a flag: `--max-model`
 * sets `--max-model-len`. A beginning that fits a denied flag is refused also where vLLM would find it ambiguous.
 *
 * @see https://docs.python.org/3/library/argparse.html#prefix-matching
 */
export function deniedArguments(extraArgs: readonly string[]): DeniedArgument[] {
  const denied = extraArgs.flatMap((argument) => {
    const why = whyDenied(argument);
    return why === undefined ? [] : [{ argument, why }];
  });
  const first = extraArgs[0];
  if (first !== undefined && !first.startsWith('-')) {
    denied.unshift({
      argument: first,
      why: 'the first argument must be a flag: the model is set by `model.id`',
    });
  }
  return denied;
}

function whyDenied(argument: string): string | undefined {
  if (argument === '-' || argument === '--') return 'it would end the flags';
  if (!argument.startsWith('--')) return whyShortDenied(argument);
  const name = flagName(argument);
  const positive = name.startsWith('no-') ? name.slice('no-'.length) : name;
  const flag = DENIED_ENGINE_FLAGS.find(
    (candidate) => candidate.startsWith(name) || candidate.startsWith(positive),
  );
  if (flag === undefined) return undefined;
  return flag === name ? 'the operator sets it' : `it stands for \`--${flag}\`, which the operator sets`;
}

/** Short flags have no bounds that can be checked (`-tp2`, `-cc.mode`); values such as `-1` are no flags. */
function whyShortDenied(argument: string): string | undefined {
  return /^-[A-Za-z]/.test(argument) ? 'short flags are not passed on: write the long form' : undefined;
}

function flagName(argument: string): string {
  const end = argument.search(/[=.]/);
  return (end < 0 ? argument : argument.slice(0, end)).slice('--'.length).replaceAll('_', '-');
}
