/**
 * A program for the containers of these tests: `/health` is 200 once loaded, `/` answers with the environment,
 *  `/note` appends the request's body to a
 * file in `$DATA` and answers with all of it, `/end?code=N` prints its last words and ends. Flags: `--host`, `--port`, `--load-ms`, `--exit` (at once, with this
 * code), `--deaf` (to SIGTERM).
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8000' },
    'load-ms': { type: 'string', default: '0' },
    exit: { type: 'string' },
    deaf: { type: 'boolean', default: false },
  },
});

const end = (code: number): never => {
  if (code !== 0) process.stderr.write('the engine speaks its last words\n');
  process.exit(code);
};

if (values.exit !== undefined) end(Number(values.exit));
let loaded = false;
setTimeout(() => {
  loaded = true;
}, Number(values['load-ms']));
process.on('SIGTERM', () => {
  if (!values.deaf) process.exit(0);
});

createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://engine');
  if (url.pathname === '/end') end(Number(url.searchParams.get('code')));
  if (url.pathname === '/note') {
    const file = join(process.env.DATA ?? '', 'notes');
    appendFileSync(file, await text(request));
    response.end(readFileSync(file));
    return;
  }
  response.statusCode = loaded || url.pathname !== '/health' ? 200 : 503;
  response.end(JSON.stringify(process.env));
}).listen(Number(values.port), values.host, () => process.stdout.write('listening\n'));
