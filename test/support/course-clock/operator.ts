import { ADDRESS_ANNOTATION } from '../../../src/demo/node-agent/pod/worker.ts';
import { operatorProgram } from '../../../src/operator/program.ts';
import { podAddress } from '../../../src/vllm/pod-address.ts';
import { followCourseTime } from './follow.ts';

/** The operator of the demo with the clock of a course. */
const clock = await followCourseTime(process.argv);
await operatorProgram(
  process,
  (pod) => pod.metadata.annotations?.[ADDRESS_ANNOTATION] ?? podAddress(pod),
  clock,
);
