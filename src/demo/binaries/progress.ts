/** Where long work tells what it is doing. */
export interface Progress {
  /** Something worth keeping: always shown. */
  line(text: string): void;
  /** The state of what runs now. May be called at any rate; it is shown now and then. */
  update(text: string): void;
}

export interface TerminalProgressOptions {
  readonly stream: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Milliseconds of any steady clock. */
  readonly now: () => number;
}

const TERMINAL_INTERVAL_MS = 100;
/** A log of plain lines should stay short also when it takes ten minutes. */
const PLAIN_INTERVAL_MS = 5_000;
const CLEAR_LINE = '\r\x1b[2K';

/** On a terminal the state is one line that is written over; elsewhere a plain line every few seconds. */
export function terminalProgress({ stream, now }: TerminalProgressOptions): Progress {
  const onTerminal = stream.isTTY === true;
  const intervalMs = onTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  let lastShownAt = now();
  let openLine = false;
  return {
    line(text) {
      stream.write(`${openLine ? CLEAR_LINE : ''}${text}\n`);
      openLine = false;
    },
    update(text) {
      if (now() - lastShownAt < intervalMs) return;
      lastShownAt = now();
      stream.write(onTerminal ? `${CLEAR_LINE}${text}` : `${text}\n`);
      openLine = onTerminal;
    },
  };
}

/** `12.3 MB`, in the powers of ten that download pages use. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
