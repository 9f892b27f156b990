import { FIRST_BYTE, FIRST_PIECE, PIECES, SPECIAL, VOCABULARY_SIZE } from './vocabulary.ts';

/** Pieces that begin with the same two characters, longest first. */
const BY_BEGINNING: ReadonlyMap<string, readonly { readonly piece: string; readonly id: number }[]> = (() => {
  const map = new Map<string, { piece: string; id: number }[]>();
  for (const [index, piece] of PIECES.entries()) {
    const beginning = piece.slice(0, 2);
    const list = map.get(beginning) ?? [];
    list.push({ piece, id: FIRST_PIECE + index });
    map.set(beginning, list);
  }
  for (const list of map.values()) list.sort((one, other) => other.piece.length - one.piece.length);
  return map;
})();

const encoder = new TextEncoder();
const ASCII_LIMIT = 0x80;

/**
 * Cuts text into tokens, longest piece first; what no piece covers becomes one token per UTF-8 byte.
 * Not any model's tokenizer, but one with the same properties: every text has tokens, tokens give the text back,
 * and a character outside ASCII takes several tokens.
 */
export function encode(text: string): number[] {
  const ids: number[] = [];
  let index = 0;
  while (index < text.length) {
    const found = BY_BEGINNING.get(text.slice(index, index + 2))?.find(({ piece }) =>
      text.startsWith(piece, index),
    );
    if (found !== undefined) {
      ids.push(found.id);
      index += found.piece.length;
      continue;
    }
    const code = text.codePointAt(index) ?? 0;
    if (code < ASCII_LIMIT) ids.push(FIRST_BYTE + code);
    else for (const byte of encoder.encode(String.fromCodePoint(code))) ids.push(FIRST_BYTE + byte);
    index += code > 0xffff ? 2 : 1;
  }
  return ids;
}

/** The bytes of every token, by id; none for special tokens. */
const BYTES: readonly Uint8Array[] = [
  ...Array.from({ length: FIRST_BYTE }, () => new Uint8Array(0)),
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...PIECES.map((piece) => encoder.encode(piece)),
];

/** The bytes of one token; none for an id outside the vocabulary. */
const bytesOf = (id: number): Uint8Array => BYTES[id] ?? new Uint8Array(0);

/**
 * The text that each token adds when they are shown one after another. The first bytes of a character outside
 * ASCII add nothing, its last one adds the character: the empty deltas of a stream.
 */
export function decodePieces(ids: readonly number[]): string[] {
  const decoder = new TextDecoder();
  return ids.map((id) => decoder.decode(bytesOf(id), { stream: true }));
}

/** The text of a row of tokens. */
export const decode = (ids: readonly number[]): string => decodePieces(ids).join('');

/** How a byte-level BPE vocabulary spells the token: a space is Ġ, a newline is Ċ. */
export const tokenName = (id: number): string => decode([id]).replaceAll(' ', 'Ġ').replaceAll('\n', 'Ċ');

/** The UTF-8 bytes of a token, as `logprobs` list them. */
export const tokenBytes = (id: number): number[] => [...bytesOf(id)];

export const isKnownToken = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < VOCABULARY_SIZE;

/** One message of a chat after its content has been flattened to text. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** Tokens of a chat in ChatML, the template of Qwen: `<|im_start|>role\ncontent<|im_end|>\n`. */
export function encodeChat(messages: readonly ChatMessage[]): number[] {
  const ids = messages.flatMap(({ role, content }) => [
    SPECIAL.messageStart,
    ...encode(role),
    ...encode('\n'),
    ...encode(content),
    SPECIAL.messageEnd,
    ...encode('\n'),
  ]);
  ids.push(SPECIAL.messageStart, ...encode('assistant'), ...encode('\n'));
  return ids;
}

/** Characters of the same chat written out with its template. */
export const chatCharacters = (messages: readonly ChatMessage[]): number =>
  messages.reduce(
    (sum, { role, content }) => sum + `<|im_start|>${role}\n<|im_end|>\n`.length + content.length,
    '<|im_start|>assistant\n'.length,
  );
