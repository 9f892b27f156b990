const LOWER = 'abcdefghijklmnopqrstuvwxyz';

const pairs = (first: string, second: string): string[] =>
  [...first].flatMap((one) => [...second].map((other) => one + other));

const WORDS =
  'the and for that with this from have are not you can will one all each first list number numbers value values ' +
  'function return returns def class self import None True False else elif while break continue print range len ' +
  'result results string strings input output index item items loop python code example test tests sort sorted ' +
  'write read file line lines data name names type int str float dict set key keys count sum max min even odd ' +
  'time error raise except try finally lambda yield async await open close append pop push stack queue node left ' +
  'right root tree graph path start end step letter text your we it is in of to an on or if as by so do be ' +
  'does then than when where which into over only also more most after before between until';

const SYMBOLS =
  '() [] {} (): ): ): (" ") (\' \') == != <= >= += -= *= // ** -> => :: := "" """ `` ``` ## ... ", \', ), ]; ], }, () ());' +
  ' __ __( = + - * / % < >';

const INDENTS = [4, 8, 12, 16].map((spaces) => `\n${' '.repeat(spaces)}`);

/**
 * The pieces of the simulator's tokenizer that are longer than a byte: pairs of letters, common English and Python
 * words, operators, indentation. English and Python come out at two to four characters a token.
 */
export const PIECES: readonly string[] = [
  ...new Set([
    ...pairs(LOWER, LOWER),
    ...pairs(LOWER, LOWER).map((pair) => ` ${pair}`),
    ...[...LOWER].map((letter) => ` ${letter}`),
    ...pairs(LOWER.toUpperCase(), LOWER),
    ...pairs('0123456789', '0123456789'),
    ...WORDS.split(' ').flatMap((word) => [word, ` ${word}`]),
    ...SYMBOLS.split(' ').filter((symbol) => symbol.length > 1),
    ...SYMBOLS.split(' ').map((symbol) => ` ${symbol}`),
    'ser',
    'sist',
    '\n\n',
    '`\n',
    ':\n',
    ...INDENTS,
    ...INDENTS.map((indent) => `:${indent}`),
    ...Array.from({ length: 31 }, (_, index) => ' '.repeat(index + 2)),
  ]),
].filter((piece) => piece.length > 1);

/** Tokens that no text makes. */
export const SPECIAL = { endOfText: 0, messageStart: 1, messageEnd: 2 } as const;

/** Ids of single bytes follow the special tokens, ids of pieces follow the bytes. */
export const FIRST_BYTE = 3;
export const FIRST_PIECE = FIRST_BYTE + 256;
export const VOCABULARY_SIZE = FIRST_PIECE + PIECES.length;

/** No token stands for more characters: vLLM refuses a prompt by its length before it counts tokens. */
export const MAX_CHARACTERS_PER_TOKEN = Math.max(...PIECES.map((piece) => piece.length));
