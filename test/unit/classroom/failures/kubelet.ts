import { Buffer } from 'node:buffer';
import {
  lastLines,
  TERMINATION_LOG_BYTES,
  TERMINATION_MESSAGE_BYTES,
  TERMINATION_MESSAGE_LINES,
} from '../../../../src/demo/node-agent/process/log-tail.ts';

/**
 * What a kubelet writes into `state.terminated.message`: the end of the termination log; where that is empty and the
 * exit code is not 0, the end of the log.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_container.go
 */
export function messageOf(log: string, terminationLog: string, exitCode: number): string {
  if (terminationLog !== '') return lastBytes(terminationLog, TERMINATION_LOG_BYTES);
  if (exitCode === 0) return '';
  return lastBytes(lastLines(log, TERMINATION_MESSAGE_LINES), TERMINATION_MESSAGE_BYTES);
}

/** The same for a log that was recorded without our logging configuration; with it unless stated otherwise. */
export function passedOn(log: string, exitCode: number, { terminationLog = true } = {}): string {
  return messageOf(log, terminationLog ? terminationLogOf(log) : '', exitCode);
}

const PREFIX = /^\(EngineCore pid=\d+\) /;
const RECORD = /^\(EngineCore pid=\d+\) ERROR \d\d-\d\d \d\d:\d\d:\d\d \[core\.py:\d+\] (?<text>.*)$/;
const LOGGED = /^\(EngineCore pid=\d+\) (?:INFO|WARNING|ERROR) /;

/**
 * What the logger of the engine process writes there with our logging configuration: the record `EngineCore failed to
 * start.` with its traceback. The traceback is taken from where Python prints it once more, because the recordings
 * leave out lines in the middle.
 */
function terminationLogOf(log: string): string {
  const lines = log.split('\n');
  const title = lines.map((line) => RECORD.exec(line)?.groups?.text).find((text) => text !== undefined);
  if (title === undefined) return '';
  const traceback = lines.filter((line) => PREFIX.test(line) && !LOGGED.test(line));
  return [`2026-11-23 06:00:00,000 ${title}`, ...traceback.map((line) => line.replace(PREFIX, '')), ''].join(
    '\n',
  );
}

function lastBytes(text: string, count: number): string {
  return Buffer.from(text).subarray(-count).toString();
}
