/** What a terminal showed at one moment, line by line. */
export type Frame = readonly string[];

export interface PictureOptions {
  readonly title: string;
  readonly columns: number;
  /** How long each frame is shown; the last one is shown for {@link lastFrameSeconds}. */
  readonly frameSeconds: number;
  readonly lastFrameSeconds: number;
}

const CHARACTER = { width: 8.4, height: 17 };
const PADDING = 16;
const FONT_SIZE = 14;
const INK = '#d8dee9';
const PAPER = '#12161e';
const STYLES: readonly (readonly [RegExp, string])[] = [
  [/^\$ /, 'fill="#8fd694" font-weight="bold"'],
  [/^\[/, 'fill="#8aa0b8"'],
  [/^│ (ENGINE|STUDENT) /, 'fill="#ffffff" font-weight="bold"'],
  [/^[┌├└]/, 'fill="#4c566a"'],
];

/**
 * An SVG that plays the frames for ever. A line that stays the same from frame to frame is written once. Where nothing
 * is animated, the last frame is seen.
 */
export function terminalPicture(frames: readonly Frame[], options: PictureOptions): string {
  const rows = Math.max(...frames.map((frame) => frame.length));
  const width = Math.ceil(options.columns * CHARACTER.width + 2 * PADDING);
  const height = rows * CHARACTER.height + 2 * PADDING;
  const lines = Array.from({ length: rows }, (_, row) => lineOf(frames, row, options)).flat();
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(options.title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" fill="${INK}" xml:space="preserve">`,
    ...lines,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

interface Stretch {
  text: string;
  /** Frames from this one, up to but not including that one. */
  from: number;
  to: number;
}

function lineOf(frames: readonly Frame[], row: number, options: PictureOptions): string[] {
  const stretches: Stretch[] = [];
  for (const [index, frame] of frames.entries()) {
    const text = frame[row] ?? '';
    const last = stretches.at(-1);
    if (last?.text === text) last.to = index + 1;
    else stretches.push({ text, from: index, to: index + 1 });
  }
  return stretches
    .filter(({ text }) => text.trim() !== '')
    .map((stretch) => textElement(stretch, row, frames.length, options));
}

function textElement(
  { text, from, to }: Stretch,
  row: number,
  frames: number,
  options: PictureOptions,
): string {
  const style = STYLES.find(([pattern]) => pattern.test(text))?.[1] ?? '';
  const y = PADDING + (row + 0.8) * CHARACTER.height;
  // The width is stated so that columns meet in whatever font there is.
  const length = ([...text].length * CHARACTER.width).toFixed(1);
  const isLast = to === frames;
  const shown = isLast ? '' : ' visibility="hidden"';
  const animation = from === 0 && isLast ? '' : animationOf(from, to, frames, options);
  return `<text x="${PADDING}" y="${y.toFixed(1)}" textLength="${length}" ${style}${shown}>${escaped(text)}${animation}</text>`;
}

function animationOf(from: number, to: number, frames: number, options: PictureOptions): string {
  const seconds = (frames - 1) * options.frameSeconds + options.lastFrameSeconds;
  const at = (frame: number): string => ((frame * options.frameSeconds) / seconds).toFixed(4);
  const steps: [time: string, value: string][] = from === 0 ? [] : [['0', 'hidden']];
  steps.push([from === 0 ? '0' : at(from), 'visible']);
  if (to < frames) steps.push([at(to), 'hidden']);
  const times = steps.map(([time]) => time).join(';');
  const values = steps.map(([, value]) => value).join(';');
  return `<animate attributeName="visibility" calcMode="discrete" dur="${seconds.toFixed(1)}s" repeatCount="indefinite" keyTimes="${times}" values="${values}"/>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
