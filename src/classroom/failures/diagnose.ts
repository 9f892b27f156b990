import { ENGINE_FAILURE_REASONS, type EngineFailureReason } from '../../api/reasons.ts';
import { lastWords, linesAround, plainLog } from './log-text.ts';
import { LOG_SIGNS } from './signs.ts';
import type { Symptom, Termination } from './symptom.ts';

const REASONS = ENGINE_FAILURE_REASONS;

/** Why an engine fails. */
export interface Diagnosis {
  reason: EngineFailureReason;
  /** The words that say so: of the log, of the kubelet, or the exit code. */
  cause: string;
  /** Figures and names in them, for the message. */
  details: Readonly<Record<string, string>>;
}

/** Ends by SIGKILL and by SIGTERM: 128 + the signal's number. */
const SIGKILL_EXIT = 137;
const SIGTERM_EXIT = 143;
/** A killed process needs its grace period to be gone, and the kubelet a moment to notice. */
export const KILL_MARGIN_SECONDS = 180;
const IMAGE_REASONS: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);
/** The engine process said that it had begun to serve, or the server that the engine is gone. */
const DIED_WHILE_SERVING =
  /EngineCore encountered a fatal error|EngineDeadError|engine core exited unexpectedly|WorkerProc hit an exception/;

/**
 * Why an engine fails, from what the API server knows of it. Pure.
 *
 * Exit code 0 is no success: vLLM ends with it also when its engine has died.
 *
 * @see https://github.com/vllm-project/vllm/issues/48966
 */
export function diagnose(symptom: Symptom): Diagnosis {
  switch (symptom.kind) {
    case 'waiting':
      return diagnoseWaiting(symptom.reason, symptom.message);
    case 'ended':
      return diagnoseEnd(symptom.end, symptom.startupSeconds);
    case 'podEnded':
      return diagnosePodEnd(symptom.reason, symptom.message);
    case 'unhealthy':
      return {
        reason: REASONS.healthCheckFailed,
        cause: `it stopped answering at ${symptom.since}`,
        details: {},
      };
  }
}

/** The kubelet does not get as far as starting vLLM. */
function diagnoseWaiting(reason: string, message: string): Diagnosis {
  const cause = [reason, message].filter(Boolean).join(': ');
  if (IMAGE_REASONS.has(reason)) return { reason: REASONS.imageNotPulled, cause, details: {} };
  const secret =
    /secret "(?<secret>[^"]+)" not found/.exec(message) ??
    /couldn't find key (?<key>\S+) in Secret (?<secret>\S+)/.exec(message);
  if (secret !== null) return { reason: REASONS.tokenSecretMissing, cause, details: groupsOf(secret) };
  return (
    diagnosisOfText(message, [REASONS.driverTooOld, REASONS.noVisibleGPU]) ?? {
      reason: REASONS.containerNotStarted,
      cause,
      details: {},
    }
  );
}

function diagnoseEnd(end: Termination, startupSeconds: number | undefined): Diagnosis {
  const exit = `exit code ${end.exitCode}`;
  if (end.reason === 'OOMKilled') {
    return { reason: REASONS.hostOutOfMemory, cause: `OOMKilled, ${exit}`, details: {} };
  }
  const text = plainLog(end.message ?? '');
  const known = diagnosisOfText(text);
  if (known !== undefined) return atRunTime(known, text);
  const cause = [exit, lastWords(text)].filter(Boolean).join(': ');
  if (end.exitCode === 0 || DIED_WHILE_SERVING.test(text)) {
    return { reason: REASONS.engineDied, cause, details: {} };
  }
  if (end.exitCode === SIGKILL_EXIT || end.exitCode === SIGTERM_EXIT) {
    const reason = endedAsStartupProbeDoes(end, startupSeconds) ? REASONS.startTimedOut : REASONS.killed;
    return { reason, cause, details: {} };
  }
  // Whatever is wrong with them: arguments that vLLM's parser refuses end with 2.
  if (end.exitCode === 2) return { reason: REASONS.argumentRefused, cause, details: {} };
  return { reason: REASONS.startFailed, cause, details: {} };
}

/** What vLLM says at the start it may also say while it serves: the engine's own words tell the two apart. */
function atRunTime(diagnosis: Diagnosis, text: string): Diagnosis {
  if (!DIED_WHILE_SERVING.test(text)) return diagnosis;
  if (diagnosis.reason === REASONS.outOfGPUMemoryAtStart) {
    return { ...diagnosis, reason: REASONS.outOfGPUMemory };
  }
  return diagnosis.reason === REASONS.argumentRefused
    ? { ...diagnosis, reason: REASONS.engineDied, details: {} }
    : diagnosis;
}

function diagnosePodEnd(reason: string, message: string): Diagnosis {
  const cause = [reason, message].filter(Boolean).join(': ') || 'the pod ended';
  return { reason: podEndReason(reason), cause, details: {} };
}

/** @see https://kubernetes.io/docs/concepts/architecture/nodes/#graceful-node-shutdown */
function podEndReason(reason: string): EngineFailureReason {
  switch (reason) {
    case 'NodeLost':
    case 'NodeShutdown':
    case 'Terminated':
    case 'NodeAffinity':
      return REASONS.nodeLost;
    case 'UnexpectedAdmissionError':
    case 'OutOfnvidia.com/gpu':
      return REASONS.gpuAllocationFailed;
    default:
      return reason.startsWith('OutOfnvidia.com/') ? REASONS.gpuAllocationFailed : REASONS.evicted;
  }
}

/** The first sign that is in the text, without what stands before its lines. @param among only these reasons; default: all */
export function diagnosisOfText(text: string, among?: readonly EngineFailureReason[]): Diagnosis | undefined {
  for (const { reason, pattern, quote } of LOG_SIGNS) {
    if (among !== undefined && !among.includes(reason)) continue;
    // The last: a traceback names an exception where it is raised, and what it says at its end.
    const match = [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].at(-1);
    if (match === undefined) continue;
    const cause = quote ?? linesAround(text, match.index, match[0].length);
    return { reason, cause, details: groupsOf(match) };
  }
  return undefined;
}

function groupsOf(match: RegExpMatchArray): Record<string, string> {
  const groups = Object.entries(match.groups ?? {});
  return Object.fromEntries(
    groups.filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
}

/** Whether it lived just as long as its startup probe allows. */
function endedAsStartupProbeDoes(end: Termination, startupSeconds: number | undefined): boolean {
  if (startupSeconds === undefined) return false;
  const seconds = (Date.parse(end.finishedAt ?? '') - Date.parse(end.startedAt ?? '')) / 1000;
  return seconds >= startupSeconds && seconds <= startupSeconds + KILL_MARGIN_SECONDS;
}
