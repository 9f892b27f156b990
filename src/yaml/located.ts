import { type Document, isNode, LineCounter, parseDocument } from 'yaml';

/** Something wrong with a field. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The content of a YAML text that knows where its fields stand. */
export interface LocatedYaml {
  readonly content: unknown;
  /** Such as `line 4: classes[0].engines[0]: must be a URL`. */
  describe(fault: Fault): string;
}

/** What is wrong with a file, every fault with its line. Secrets are not quoted. */
export class YamlFaultsError extends Error {
  /** Such as `line 4: classes[0].engines[0]: must be a URL`. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'YamlFaultsError';
    this.faults = faults;
  }
}

/**
 * Reads one YAML document.
 *
 * @throws YamlFaultsError when it is no YAML
 */
export function parseLocatedYaml(text: string): LocatedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    // The parser's own words would quote the text.
    throw new YamlFaultsError(
      document.errors.map(
        (error) => `line ${lines.linePos(error.pos[0]).line}: ${error.code}: the file is not valid YAML`,
      ),
    );
  }
  return {
    content: document.toJS(),
    describe: ({ path, message }) => `line ${lineOf(document, lines, path)}: ${fieldOf(path)}${message}`,
  };
}

/** The line of the field, or of the nearest thing around it that is there. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** Such as `classes[0].spec.model: `; empty for the whole file. */
function fieldOf(path: readonly PropertyKey[]): string {
  const field = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  return field === '' ? '' : `${field}: `;
}
