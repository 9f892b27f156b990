import { operatorProgram } from '../operator/program.ts';
import { podAddress } from '../vllm/pod-address.ts';
import { ADDRESS_ANNOTATION } from './node-agent/pod/worker.ts';

/**
 * The operator of the demo where all played pods share one address and differ by port (macOS): the node agent writes
 * down where each listens, and only this entry point reads it. A real operator must not trust annotations.
 */
await operatorProgram(process, (pod) => pod.metadata.annotations?.[ADDRESS_ANNOTATION] ?? podAddress(pod));
