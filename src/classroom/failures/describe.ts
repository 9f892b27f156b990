import type { EngineFailures } from '../../api/engine-failures.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import { FAILURES } from './catalogue.ts';
import type { Diagnosis } from './diagnose.ts';

/** Longest quotation of a log or of the kubelet, in characters. */
const CAUSE_MAX = 400;
const PLACEHOLDER = /\{(\w+)\|?([^}]*)\}/g;

/** What, why, what next: the message of an engine that fails. */
export function describeFailure(diagnosis: Diagnosis): string {
  const { what, next } = FAILURES[diagnosis.reason];
  return `${fill(what, diagnosis.details)} (${quoted(diagnosis)}). ${fill(next, diagnosis.details)}`;
}

/** The same where the words of the log stand beside it: a sentence, and what to do. */
export function explainFailure({ reason, details }: Diagnosis): { what: string; next: string } {
  const { what, next } = FAILURES[reason];
  return { what: fill(what, details), next: fill(next, details) };
}

/** The same when nothing is left to lower. */
export function describeExhausted(diagnosis: Diagnosis): string {
  const { what } = FAILURES[diagnosis.reason];
  return `${fill(what, diagnosis.details)} (${quoted(diagnosis)}), and nothing is left to lower. Choose a smaller or quantised model, a larger GPU or slice, or fewer engines on a GPU.`;
}

/** Why no engine is started, until when, and how to start them sooner. */
export function describeHeld(
  { message = 'they failed again and again.' }: Pick<EngineFailures, 'message'>,
  { since, retryTime }: NonNullable<EngineFailures['held']>,
  classroom: string,
): string {
  const until =
    retryTime === undefined
      ? 'Engines are started again when `model`, `gpu` or `engine` of the spec changes'
      : `Engines are started again at ${retryTime}, or when the spec changes`;
  return `no engine is started since ${since}, so that none takes a GPU in vain: ${message} ${until}; at once with \`kubectl annotate classroom ${classroom} --overwrite ${ANNOTATIONS.retry}="$(date)"\`.`;
}

/** Puts the figures of a diagnosis in the place of `{name|words without it}`. */
export function fill(text: string, details: Readonly<Record<string, string>>): string {
  return text
    .replace(PLACEHOLDER, (_, name: string, otherwise: string) => details[name] ?? otherwise)
    .replace(/\s+/g, ' ')
    .replace(/ ?: ?$/, '')
    .replace(/ ([,.:)])/g, '$1')
    .trim();
}

function quoted({ cause }: Diagnosis): string {
  return shorten(cause).replace(/[.:]$/, '');
}

/** Keeps the beginning, where the exception is named, and the end. */
function shorten(text: string): string {
  if (text.length <= CAUSE_MAX) return text;
  const head = Math.floor(CAUSE_MAX * 0.7);
  return `${text.slice(0, head)} … ${text.slice(-(CAUSE_MAX - head - 3))}`;
}
