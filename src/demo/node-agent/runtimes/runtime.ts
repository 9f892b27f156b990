import type { Pod } from '../../../kube/resources.ts';
import type { Failure } from '../failures.ts';
import type { NodeDescription } from '../nodes/description.ts';
import type { Container } from '../pod/spec.ts';
import type { Command } from '../process/container-process.ts';
import type { Endpoint } from '../process/probe.ts';
import type { Mount } from '../volumes/mount.ts';

/** All that is known when a container is about to start. */
export interface ContainerStart {
  readonly pod: Pod;
  readonly container: Container;
  readonly node: NodeDescription;
  /** The container's own `command`, or undefined for the image's entry point; references resolved. */
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it must listen. */
  readonly endpoint: Endpoint;
  /** A folder of its own, which is there. */
  readonly folder: string;
  /** The claims, Secrets, ConfigMaps and downward API that it mounts: folders that are there. */
  readonly mounts: readonly Mount[];
  /** Stands for the GPU that its pod is on, shared with the other pods there; undefined: no memory is shared. */
  readonly gpuFolder: string | undefined;
  /** To be played on this start; `ImagePull` never comes here. */
  readonly failure: Failure | undefined;
}

/** What a runtime may do to a container that runs. */
export interface RunningProcess {
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
}

/** Knows how to run the containers of some images as processes of this machine. */
export interface Runtime {
  readonly name: string;
  plays(image: string): boolean;
  /** @throws {Error} when it cannot be run; becomes RunContainerError */
  command(start: ContainerStart): Command | Promise<Command>;
  /**
   * Makes the engine inside a running container die, the container's process ending by itself afterwards. Undefined:
   * there is nothing inside that could die on its own, and the process is killed.
   */
  killEngine?(folder: string, process: RunningProcess): Promise<void>;
  /**
   * Makes the engine inside a running container stand still while its server goes on answering `/health`. Undefined:
   * there is nothing inside that could, and the process is stopped as a whole.
   */
  stallEngine?(folder: string, process: RunningProcess): Promise<void>;
}
