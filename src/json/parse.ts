/** The value of a text that somebody else wrote; undefined when it is not JSON. The parser's message would quote it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
