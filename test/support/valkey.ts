import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createClient } from 'redis';
import { freePort } from '../../src/demo/control-plane/ports.ts';
import { connectValkey, type ValkeyConnection } from '../../src/gateway/valkey/connection.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { silentLogger } from '../../src/kube/log.ts';
import { eventually } from './eventually.ts';
import { temporaryFolder } from './temporary-folder.ts';

const SERVERS = ['valkey-server', 'redis-server'];
const INSTALL = 'apt-get update && apt-get install -y redis-server (or valkey-server)';
const START_ATTEMPTS = 5;

/** A real Valkey or Redis server on the loopback address, for one test file. */
export interface ValkeyServer extends AsyncDisposable {
  readonly url: string;
  /** One command by a connection of the test's own. */
  command(...words: readonly string[]): Promise<unknown>;
  /** SIGKILL, as when its machine dies. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and files. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open, and nothing answers. */
  pause(): void;
  resume(): void;
}

/**
 * Starts the server of the system's package, with an append-only file that is flushed at each command.
 *
 * @throws Error with the command that installs a server when there is none: nothing is skipped
 */
export async function startValkey(flags: readonly string[] = []): Promise<ValkeyServer> {
  const program = findServer(process.env.PATH ?? '');
  const folder = await temporaryFolder();
  const standard = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder.path];
  let port = 0;
  let child: ChildProcess | undefined;

  const launch = async (onPort: number): Promise<boolean> => {
    const started = spawn(program, [...standard, '--bind', '127.0.0.1', '--port', String(onPort), ...flags], {
      stdio: 'ignore',
    });
    child = started;
    return eventually(`${program} to answer on port ${onPort}`, async () => {
      // Another process may have taken the port meanwhile.
      if (started.exitCode !== null) return 'ended';
      return (await answers(onPort)) ? 'answers' : undefined;
    }).then((how) => how === 'answers');
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  };

  for (let attempt = 1; ; attempt++) {
    port = await freePort();
    if (await launch(port)) break;
    if (attempt === START_ATTEMPTS) throw new Error(`${program} does not start`);
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    command: (...words) => commandOn(port, words),
    kill,
    async restart() {
      if (!(await launch(port))) throw new Error(`${program} does not start again on port ${port}`);
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The product's own connection to the server, once it is up. Its timeouts are none that a test waits for. */
export async function connectTo(valkey: ValkeyServer, probeKey: string): Promise<ValkeyConnection> {
  const connection = connectValkey({
    url: valkey.url,
    connectTimeoutMs: 5_000,
    commandTimeoutMs: 30_000,
    probeKey,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  await connection.whenUp();
  return connection;
}

function findServer(path: string): string {
  for (const name of SERVERS) {
    for (const folder of path.split(delimiter)) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not in this folder.
      }
    }
  }
  throw new Error(`The tests need one of ${SERVERS.join(', ')}. Install it: ${INSTALL}`);
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await commandOn(port, ['PING'])) === 'PONG';
  } catch {
    // Not listening yet, or still loading its file.
    return false;
  }
}

async function commandOn(port: number, words: readonly string[]): Promise<unknown> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } });
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.sendCommand(words);
  } finally {
    client.destroy();
  }
}

/** Epoch ms that {@link HELD_TIME} tells. */
export const HELD_TIME_KEY = 'held-time';

/** Lua for the product's scripts with which a test holds the server's time still. */
export const HELD_TIME = `
local function now_ms() return tonumber(redis.call('GET', '${HELD_TIME_KEY}')) end
`;
