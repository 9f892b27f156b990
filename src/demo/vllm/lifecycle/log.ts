import type { Clock } from '../engine/clock.ts';
import type { LogOrigin } from '../engine/start-failure.ts';

/** Takes whole lines, newline included. vLLM logs to standard output, uvicorn's life cycle lines go to standard error. */
export interface LogSink {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** Writes lines as vLLM does: `(EngineCore pid=7) INFO 11-23 06:25:51 [core.py:340] …`. */
export class Log {
  readonly #sink: LogSink;
  readonly #clock: Clock;
  readonly #pids: Readonly<Record<LogOrigin, number>>;

  /** @param pid of the API server; the engine process, which there is not, is given the next one */
  constructor(sink: LogSink, clock: Clock, pid: number) {
    this.#sink = sink;
    this.#clock = clock;
    this.#pids = { APIServer: pid, EngineCore: pid + 1 };
  }

  info(origin: LogOrigin, source: string, text: string): void {
    this.#leveled(origin, 'INFO', source, text);
  }

  warning(origin: LogOrigin, source: string, text: string): void {
    this.#leveled(origin, 'WARNING', source, text);
  }

  error(origin: LogOrigin, source: string, text: string): void {
    this.#leveled(origin, 'ERROR', source, text);
  }

  /** A line of a traceback. */
  plain(origin: LogOrigin, text: string): void {
    this.#sink.stderr(`${this.#prefix(origin)}${text}\n`);
  }

  /** uvicorn's own lines. */
  uvicorn(text: string): void {
    this.#sink.stderr(`${this.#prefix('APIServer')}INFO:     ${text}\n`);
  }

  /** uvicorn's access log. */
  access(text: string): void {
    this.#sink.stdout(`${this.#prefix('APIServer')}INFO:     ${text}\n`);
  }

  #leveled(origin: LogOrigin, level: string, source: string, text: string): void {
    this.#sink.stdout(`${this.#prefix(origin)}${level} ${this.#time()} [${source}] ${text}\n`);
  }

  #prefix(origin: LogOrigin): string {
    return `(${origin} pid=${this.#pids[origin]}) `;
  }

  #time(): string {
    const now = new Date(this.#clock.wallMs());
    const day = `${twoDigits(now.getUTCMonth() + 1)}-${twoDigits(now.getUTCDate())}`;
    return `${day} ${twoDigits(now.getUTCHours())}:${twoDigits(now.getUTCMinutes())}:${twoDigits(now.getUTCSeconds())}`;
  }
}
