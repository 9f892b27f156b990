import { canonicalJson } from '../../kube/intent.ts';
import { engineContainerOf } from '../engine-container.ts';
import type { PodTemplate } from './rolled-out.ts';

/** What of the engines changes. `Model`: what is loaded, or how students call it. `Pod`: all else, such as volumes. */
export type ChangeKind = 'Image' | 'Model' | 'Arguments' | 'Pod';

export interface Change {
  kind: ChangeKind;
  /** For a person: `--max-num-seqs 8 → 16`. */
  text: string;
}

/** Flags that say which weights are loaded and under which names they are served. */
const MODEL_FLAGS: ReadonlySet<string> = new Set(['--served-model-name', '--revision', '--quantization']);

/** Longest value that is shown, in characters. */
const VALUE_MAX = 60;

/** What differs between two pods of an engine, image, model and arguments told apart; empty when nothing does. */
export function changesBetween(before: PodTemplate, after: PodTemplate): Change[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  const [old, next] = [engineOf(before), engineOf(after)];
  return [
    ...imageChange(old.image, next.image),
    ...argumentChanges(old.args ?? [], next.args ?? []),
    ...podChanges(before, after),
  ];
}

/** The changes as a clause: `image a → b; --max-num-seqs 8 → 16`. */
export function describeChanges(changes: readonly Change[]): string {
  return changes.map(({ text }) => text).join('; ');
}

type Container = NonNullable<PodTemplate['spec']>['containers'][number];

function engineOf(template: PodTemplate): Partial<Container> {
  return engineContainerOf(template.spec) ?? {};
}

function imageChange(before = '', after = ''): Change[] {
  return before === after ? [] : [{ kind: 'Image', text: `image ${before} → ${after}` }];
}

function argumentChanges(before: readonly string[], after: readonly string[]): Change[] {
  const [old, next] = [flagsOf(before), flagsOf(after)];
  const flags = [...new Set([...old.keys(), ...next.keys()])];
  return flags.flatMap((flag): Change[] => {
    const [was, is] = [old.get(flag), next.get(flag)];
    if (was === is) return [];
    if (flag === MODEL) return [{ kind: 'Model', text: `model ${shown(was)} → ${shown(is)}` }];
    const kind = MODEL_FLAGS.has(flag) ? 'Model' : 'Arguments';
    return [{ kind, text: argumentText(flag, was, is) }];
  });
}

function argumentText(flag: string, was: string | undefined, is: string | undefined): string {
  if (is === undefined) return `without ${flag}`;
  if (was === undefined) return `with ${`${flag} ${shown(is)}`.trim()}`;
  return `${flag} ${shown(was)} → ${shown(is)}`;
}

/** The key of the model, which is the argument before all flags. */
const MODEL = '';

/** Flags of `vllm serve` with the words after them; a flag that is given twice has both. */
function flagsOf(args: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  let flag = MODEL;
  const add = (word?: string) => {
    const before = flags.get(flag);
    flags.set(flag, [before, word].filter((part) => part !== undefined && part !== '').join(' '));
  };
  for (const argument of args) {
    if (!argument.startsWith('--')) {
      add(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    flag = equals < 0 ? argument : argument.slice(0, equals);
    add(equals < 0 ? undefined : argument.slice(equals + 1));
  }
  return flags;
}

function shown(value = ''): string {
  return value.length <= VALUE_MAX ? value : `${value.slice(0, VALUE_MAX)}…`;
}

/** Everything but image and arguments, by the names of the fields. */
function podChanges(before: PodTemplate, after: PodTemplate): Change[] {
  const fields = [
    ...differingFields(before.metadata, after.metadata),
    ...differingFields(without(before.spec, ['containers']), without(after.spec, ['containers'])),
    ...differingFields(
      without(engineOf(before), ['image', 'args']),
      without(engineOf(after), ['image', 'args']),
    ),
  ];
  return fields.length === 0 ? [] : [{ kind: 'Pod', text: `${fields.join(', ')} of the pods` }];
}

function without(fields: object | undefined, left: readonly string[]): object {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([key]) => !left.includes(key)));
}

function differingFields(before: object | undefined, after: object | undefined): string[] {
  const [old, next] = [new Map(Object.entries(before ?? {})), new Map(Object.entries(after ?? {}))];
  const keys = [...new Set([...old.keys(), ...next.keys()])];
  return keys.filter((key) => canonicalJson([old.get(key)]) !== canonicalJson([next.get(key)]));
}
