/** What vLLM puts before each line of its processes: `(EngineCore pid=123) `. */
const PROCESS_PREFIX = /^(?:\(\w+ pid=\d+\)\s?)+/;
/** What its logger puts before each line: `ERROR 11-23 06:33:25 [core.py:1330] `. */
const LOGGER_PREFIX = /^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]+\] /;
/** How each record in the termination message begins: see {@link ENGINE_ERROR_FORMAT}. */
const RECORD_START = /^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} )/m;
const RECORD_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} /;
/** A call that failed and that the engine answered with an error, such as an adapter that cannot be loaded. */
const SURVIVED = /^\S+ \S+ Invocation of \w+ method failed/;
/** What a worker of the engine says of such a call, and also of what ends the engine: then the engine says so. */
const WORKER_ERROR = /^\S+ \S+ WorkerProc hit an exception/;
const ENGINE_END = /^\S+ \S+ EngineCore (?:failed to start|encountered a fatal error)/;
const EXCEPTION_LINE = /^[\w.]*(?:Error|Exception|Interrupt|Exit)\b:? ?/;

/** A log without what stands before every line, and without errors that the engine outlived. */
export function plainLog(text: string): string {
  const records = text.split(RECORD_START);
  const hasEnded = records.some((record) => ENGINE_END.test(record));
  // Of the first one the head may be cut off; what follows shows whether the engine outlived it.
  const mayBeWorkers = (record: string) =>
    WORKER_ERROR.test(record) || (records.length > 1 && !RECORD_TIME.test(record));
  return records
    .filter((record) => !SURVIVED.test(record) && (hasEnded || !mayBeWorkers(record)))
    .join('')
    .split('\n')
    .map((line) => line.replace(/\r/g, '').replace(PROCESS_PREFIX, '').replace(LOGGER_PREFIX, ''))
    .map((line) => line.replace(RECORD_TIME, ''))
    .join('\n');
}

/** The whole lines in which a match lies, on one line. */
export function linesAround(text: string, index: number, length: number): string {
  const start = text.lastIndexOf('\n', index) + 1;
  const end = text.indexOf('\n', index + length);
  return oneLine(text.slice(start, end < 0 ? undefined : end));
}

/** What went wrong in the words of a log that is not known: its last exception, else its last line. */
export function lastWords(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const generic = /See (?:root cause|stack trace)|Engine core initialization failed/;
  const telling = lines.findLast((line) => EXCEPTION_LINE.test(line) && !generic.test(line));
  return oneLine(telling ?? lines.at(-1) ?? '');
}

/** Without what pydantic adds to a message for programmers. */
function oneLine(text: string): string {
  return text
    .replace(/Value error, |\[type=\w+, input_value=.*$/gs, '')
    .replace(/\s+/g, ' ')
    .trim();
}
