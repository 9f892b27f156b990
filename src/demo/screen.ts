import { createLogUpdate } from 'log-update';

/** Where the demo writes: lines that stay, and one picture that is redrawn. */
export interface Screen {
  /** One line for good. */
  line(text: string): void;
  /** Draws in place of the last picture; on anything but a terminal only the last one is printed. */
  draw(picture: string): void;
  /** The picture goes away. */
  clear(): void;
  /** The picture stays as it is; what follows comes below. */
  settle(): void;
}

/** @param stream a terminal, or a file or pipe that gets no redrawing */
export function createScreen(stream: NodeJS.WriteStream): Screen {
  const live = stream.isTTY ? createLogUpdate(stream) : undefined;
  let last = '';
  return {
    line(text) {
      live?.clear();
      stream.write(`${text}\n`);
      if (last !== '') live?.(last);
    },
    draw(picture) {
      last = picture;
      live?.(picture);
    },
    clear() {
      last = '';
      live?.clear();
    },
    settle() {
      if (live === undefined && last !== '') stream.write(`${last}\n`);
      live?.done();
      last = '';
    },
  };
}
