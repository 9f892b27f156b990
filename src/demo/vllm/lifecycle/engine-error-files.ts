import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Mount, onHost } from '../../node-agent/volumes/mount.ts';
import { StartFailure } from '../engine/start-failure.ts';

/** The logger that says why the engine process ends. */
const ENGINE_LOGGER = 'vllm.v1.engine.core';

/** Of Python's logging configuration what concerns us. */
const configurationSchema = z.looseObject({
  handlers: z.record(z.string(), z.looseObject({ class: z.string(), filename: z.string().optional() })),
  loggers: z.record(z.string(), z.looseObject({ handlers: z.array(z.string()).optional() })),
});

/**
 * The files to which a logging configuration (`VLLM_LOGGING_CONFIG_PATH`) sends why the engine process ends, as this
 * machine knows them.
 *
 * @throws {StartFailure} when there is no such configuration, as vLLM does
 */
export function engineErrorFiles(path: string | undefined, mounts: readonly Mount[]): readonly string[] {
  if (path === undefined) return [];
  const file = onHost(path, mounts) ?? path;
  if (!existsSync(file)) {
    const text = `RuntimeError: ('Could not load logging config. File does not exist: %s', '${path}')`;
    throw new StartFailure([{ origin: 'APIServer', text }]);
  }
  const { handlers, loggers } = configurationSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  return (loggers[ENGINE_LOGGER]?.handlers ?? []).flatMap((name) => {
    const handler = handlers[name];
    if (handler?.class !== 'logging.FileHandler' || handler.filename === undefined) return [];
    return [onHost(handler.filename, mounts) ?? handler.filename];
  });
}

/** One record with its traceback, in the format `%(asctime)s %(message)s`. */
export function writeEngineError(files: readonly string[], nowMs: number, lines: readonly string[]): void {
  const time = new Date(nowMs).toISOString().replace('T', ' ').replace('.', ',').replace('Z', '');
  for (const file of files) appendFileSync(file, `${time} ${lines.join('\n')}\n`);
}
