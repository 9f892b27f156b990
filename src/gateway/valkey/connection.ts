import { createClient, ErrorReply } from 'redis';
import type { Clock } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import type { Script } from './script.ts';

/** Where the server is, and how long it is waited for. */
export interface ValkeyConnectionOptions {
  /** `redis://` or `rediss://`, with or without `user:password@`. Never logged. */
  readonly url: string;
  /** Instead of the URL's. Never logged. */
  readonly password?: string | undefined;
  /** PEM: who must have signed the server's certificate. Default: one of those that Node trusts. */
  readonly ca?: string | undefined;
  /** For a TCP connection, and again for the handshake on it. */
  readonly connectTimeoutMs: number;
  /** For the answer to a command. */
  readonly commandTimeoutMs: number;
  /** Written at each connection. */
  readonly probeKey: string;
  readonly clock: Clock;
  /** In [0, 1): spreads reconnections. */
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * The server did not answer, or said that it cannot work now. Whether the script ran is not known: what it did must be
 * safe to ask for again.
 */
export class StateStoreUnavailableError extends Error {
  constructor(why: string, cause?: unknown) {
    super(`The state store cannot be used: ${why}`, { cause });
    this.name = 'StateStoreUnavailableError';
  }
}

/** One connection to Valkey or Redis; commands of one turn of the event loop go out together. */
export interface ValkeyConnection {
  /** True from a successful handshake to the first failure. */
  readonly isUp: boolean;
  /** Resolves when the connection is up. */
  whenUp(): Promise<void>;
  /** Called at each change of {@link isUp}. */
  onChange(listener: (isUp: boolean) => void): void;
  /**
   * Runs a script in one round trip; a server that does not know it (any more) is sent its text.
   *
   * @throws StateStoreUnavailableError
   * @throws Error the script itself is wrong
   */
  run(script: Script, keys: readonly string[], values: readonly string[]): Promise<unknown>;
  /** @throws StateStoreUnavailableError */
  command(...words: readonly string[]): Promise<unknown>;
  close(): void;
}

type Client = ReturnType<typeof connectingClient>;

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;
const PROBE_TTL_MS = '1000';

/** Begins to connect, and goes on for ever. */
export function connectValkey(options: ValkeyConnectionOptions): ValkeyConnection {
  const connection = new Connection(options);
  void connection.reconnect();
  return connection;
}

class Connection implements ValkeyConnection {
  readonly #options: ValkeyConnectionOptions;
  readonly #address: string;
  readonly #listeners: ((isUp: boolean) => void)[] = [];
  readonly #closing = new AbortController();
  #client: Client | undefined;
  #firstUp = Promise.withResolvers<void>();

  constructor(options: ValkeyConnectionOptions) {
    this.#options = options;
    this.#address = new URL(options.url).host;
  }

  get isUp(): boolean {
    return this.#client !== undefined;
  }

  whenUp(): Promise<void> {
    return this.#firstUp.promise;
  }

  onChange(listener: (isUp: boolean) => void): void {
    this.#listeners.push(listener);
  }

  async run(script: Script, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...values];
    try {
      return await this.command('EVALSHA', script.sha1, ...rest);
    } catch (error) {
      // After a restart without its cache, a failover, or SCRIPT FLUSH. The script did not run.
      if (!(error instanceof ErrorReply && error.message.startsWith('NOSCRIPT'))) throw error;
    }
    return this.command('EVAL', script.source, ...rest);
  }

  async command(...words: readonly string[]): Promise<unknown> {
    const client = this.#client;
    if (client === undefined) throw new StateStoreUnavailableError(`${this.#address} is not connected`);
    const late = Promise.withResolvers<never>();
    const { clock, commandTimeoutMs } = this.#options;
    const timer = clock.setTimeout(() => {
      late.reject(
        new StateStoreUnavailableError(`${this.#address} did not answer in ${commandTimeoutMs} ms`),
      );
    }, commandTimeoutMs);
    try {
      return await Promise.race([client.sendCommand(words), late.promise]);
    } catch (error) {
      if (error instanceof ErrorReply && !isOutage(error)) throw error;
      this.#lose(client, error);
      if (error instanceof StateStoreUnavailableError) throw error;
      throw new StateStoreUnavailableError(messageOf(error), error);
    } finally {
      timer.cancel();
    }
  }

  /** Tries until it is connected, or closed. */
  async reconnect(): Promise<void> {
    const { clock, random, log } = this.#options;
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      try {
        this.#won(await this.#connect());
        return;
      } catch (error) {
        if (attempt === 0) {
          log.warn({ address: this.#address, ...describeError(error) }, 'The state store cannot be reached');
        }
      }
      const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + random() / 2);
      await clock.sleep(waitMs, this.#closing.signal).catch(() => {});
    }
  }

  close(): void {
    this.#closing.abort();
    const client = this.#client;
    this.#client = undefined;
    client?.destroy();
  }

  async #connect(): Promise<Client> {
    const { clock, connectTimeoutMs } = this.#options;
    const client = connectingClient(this.#options);
    client.on('error', (error: unknown) => this.#lose(client, error));
    // The library bounds the TCP connection alone, and a server that hangs takes that.
    const timer = clock.setTimeout(() => client.destroy(), 2 * connectTimeoutMs);
    try {
      await client.connect();
      // A server that is full, or the replica of a failed-over pair, greets as well, but cannot count.
      await client.sendCommand(['SET', this.#options.probeKey, '1', 'PX', PROBE_TTL_MS]);
      return client;
    } catch (error) {
      client.destroy();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  #won(client: Client): void {
    if (this.#closing.signal.aborted) {
      client.destroy();
      return;
    }
    this.#client = client;
    this.#options.log.info({ address: this.#address }, 'The state store is connected');
    this.#firstUp.resolve();
    for (const listener of this.#listeners) listener(true);
  }

  /** Of several failures of one connection the first counts. */
  #lose(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.destroy();
    this.#firstUp = Promise.withResolvers();
    this.#options.log.warn({ address: this.#address, ...describeError(error) }, 'The state store was lost');
    for (const listener of this.#listeners) listener(false);
    void this.reconnect();
  }
}

function connectingClient({ url, password, ca, connectTimeoutMs }: ValkeyConnectionOptions) {
  // Reconnecting is done here: a connection that hangs must be given up as well.
  const socket = { connectTimeout: connectTimeoutMs, reconnectStrategy: false as const };
  return createClient({
    url: withPassword(url, password),
    name: 'gpu-classroom-gateway',
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    socket: ca === undefined ? socket : { ...socket, tls: true as const, ca },
  });
}

/** The library ignores a password beside a URL that names a user. */
function withPassword(url: string, password: string | undefined): string {
  if (password === undefined) return url;
  const complete = new URL(url);
  complete.password = encodeURIComponent(password);
  return complete.href;
}

/**
 * Whether an error answer means that the server cannot work now, and not that a command is wrong.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
function isOutage({ message }: ErrorReply): boolean {
  const [prefix = ''] = message.split(' ', 1);
  return prefix !== 'ERR' && prefix !== 'NOSCRIPT' && prefix !== 'WRONGTYPE';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
