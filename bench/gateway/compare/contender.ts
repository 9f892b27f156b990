import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** What is asked: an answer in one piece, or a stream. Each has an upstream of its own. */
export type Kind = 'answer' | 'stream';

/** Where a load goes, and with what. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Taken in turns; one is enough for a contender without students. */
  readonly headers: readonly Readonly<Record<string, string>>[];
  readonly model: string;
}

export interface Upstreams {
  /** Of a server that answers every request with 1 KB of JSON. */
  readonly answerPort: number;
  /** Of one that streams frames. */
  readonly streamPort: number;
}

/** A gateway that runs, or the upstream itself. */
export interface Contender {
  readonly name: string;
  target(kind: Kind): Target;
  /** Of the process whose CPU and memory count, with its children; undefined: there is none. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** What a contender gets to start with. */
export interface Setting {
  readonly upstreams: Upstreams;
  /** For its files. */
  readonly folder: string;
  /** Where third-party programs are installed. */
  readonly cacheFolder: string;
}

export type StartContender = (setting: Setting) => Promise<Contender>;

/** Proxies run on this core, all else on the other one. */
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly core: number;
}

/** A program on one core. What it says goes to `output`. */
export class RunningProgram {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = '';

  constructor({ command, args, env = {}, core }: Program) {
    this.#child = spawn('taskset', ['-c', String(core), command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    });
    this.#exited = new Promise((resolve) => this.#child.once('exit', resolve));
    const keep = (data: Buffer): void => {
      if (this.#output.length < 100_000) this.#output += data.toString('utf8');
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`the program did not start: ${this.#output}`);
    return pid;
  }

  /** The first group of what it said, once it says so. */
  async said(pattern: RegExp): Promise<string> {
    for (let attempt = 0; attempt < 600; attempt++) {
      const found = pattern.exec(this.#output)?.[1];
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) break;
      await delay(100);
    }
    throw new Error(`the program did not say ${pattern}:\n${this.#output}`);
  }

  /** Resolves when the URL answers with any status below 500. @throws Error when it has not after two minutes */
  async answers(url: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    for (let attempt = 0; attempt < 600; attempt++) {
      const status = await fetch(url, { headers }).then(
        (response) => response.status,
        () => 599,
      );
      if (status < 500) return;
      if (this.#child.exitCode !== null) break;
      await delay(200);
    }
    throw new Error(`nothing answers at ${url}:\n${this.#output}`);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#exited;
    clearTimeout(killer);
  }
}
