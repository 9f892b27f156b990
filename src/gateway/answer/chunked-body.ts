import type { ServerResponse } from 'node:http';

const CRLF_LENGTH = 2;
const [CR, LF] = [0x0d, 0x0a];
/** @see https://www.rfc-editor.org/rfc/rfc9112#section-7.1 */
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/**
 * Writes the body of a stream, each piece in one buffer together with the marks of HTTP's chunked encoding. Node would
 * write a piece in four parts, for which the kernel needs about twice the time: for streams of tokens that is the
 * largest part of all that a gateway does.
 */
export class ChunkedBody {
  readonly #response: ServerResponse;
  /** False for HTTP/1.0, where the end of the connection is the end of the body. */
  readonly #chunked: boolean;

  /** @param response whose head is made, and of whose body nothing is written */
  constructor(response: ServerResponse) {
    this.#response = response;
    this.#chunked = response.chunkedEncoding;
    response.chunkedEncoding = false;
  }

  /**
   * Writes nothing for no data: an empty chunk would end the body. undici gives an empty piece when an answer that was
   * paused goes on and nothing more of it has come yet.
   *
   * @returns false when the client reads too slowly: wait for `drain`
   */
  write(data: Buffer): boolean {
    if (data.length === 0) return true;
    return this.#response.write(this.#chunked ? encode(data, 0) : data);
  }

  /** @param data what is left */
  end(data: Buffer | undefined): void {
    if (!this.#chunked) this.#response.end(data);
    else if (data === undefined || data.length === 0) this.#response.end(LAST_CHUNK);
    else this.#response.end(withLastChunk(data));
  }
}

function withLastChunk(data: Buffer): Buffer {
  const encoded = encode(data, LAST_CHUNK.length);
  LAST_CHUNK.copy(encoded, encoded.length - LAST_CHUNK.length);
  return encoded;
}

/** One chunk, with some room after it. */
function encode(data: Buffer, roomBytes: number): Buffer {
  const size = data.length.toString(16);
  const dataAt = size.length + CRLF_LENGTH;
  const encoded = Buffer.allocUnsafe(dataAt + data.length + CRLF_LENGTH + roomBytes);
  for (let index = 0; index < size.length; index++) encoded[index] = size.charCodeAt(index);
  encoded[size.length] = CR;
  encoded[size.length + 1] = LF;
  encoded.set(data, dataAt);
  encoded[dataAt + data.length] = CR;
  encoded[dataAt + data.length + 1] = LF;
  return encoded;
}
