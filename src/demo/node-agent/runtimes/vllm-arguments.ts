import type { ContainerStart } from './runtime.ts';

/** https://github.com/vllm-project/vllm/blob/main/docker/Dockerfile: `ENTRYPOINT ["vllm", "serve"]`. */
const ENTRY_POINT = ['vllm', 'serve'];

/**
 * What comes after `vllm serve`: the container's arguments, and where to listen.
 * @throws {Error} when the container runs something other than `vllm serve`
 */
export function vllmArguments({ command, args, endpoint }: ContainerStart): string[] {
  const given = command ?? ENTRY_POINT;
  if (given.slice(0, ENTRY_POINT.length).join(' ') !== ENTRY_POINT.join(' ')) {
    throw new Error(`exec: "${given[0]}": the node agent runs only "vllm serve" from this image`);
  }
  return [
    ...given.slice(ENTRY_POINT.length),
    ...args,
    '--host',
    endpoint.ip,
    ...(endpoint.port === undefined ? [] : ['--port', String(endpoint.port)]),
  ];
}
