import { createHash } from 'node:crypto';

/** A Lua script as the server knows it. */
export interface Script {
  /** For messages. */
  readonly name: string;
  readonly source: string;
  /** What `EVALSHA` takes. */
  readonly sha1: string;
}

export function defineScript(name: string, source: string): Script {
  return { name, source, sha1: createHash('sha1').update(source).digest('hex') };
}
