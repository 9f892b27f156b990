/**
 * The flags of the connection that are followed by a value, by every word for them. Apart from ./flags.ts, whose schemas
 * would be loaded for `--help`; a test holds the two together.
 */
export const CONNECTION_WORDS: ReadonlySet<string> = new Set([
  '-n',
  '--namespace',
  '--context',
  '--kubeconfig',
  '--as',
  '--request-timeout',
]);

/** The words before the name of a command that belong to flags of the connection, with their values. */
export function leadingFlags(argv: readonly string[]): readonly string[] {
  let end = 0;
  for (let word = argv[end]; word !== undefined; word = argv[end]) {
    const [name = ''] = word.split('=', 1);
    if (!CONNECTION_WORDS.has(name)) break;
    end += name === word ? 2 : 1;
  }
  return argv.slice(0, end);
}
