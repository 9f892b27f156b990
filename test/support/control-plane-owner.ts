/**
 * Run as a program: starts a control plane and then waits to be killed. The first argument is its options
 * as JSON; once all is up, one line with the run's folder goes to stdout.
 */
import { type ControlPlaneOptions, startControlPlane } from '../../src/demo/control-plane/control-plane.ts';

const options: ControlPlaneOptions = JSON.parse(process.argv[2] ?? '{}');
const controlPlane = await startControlPlane(options);
process.stdout.write(`${controlPlane.run.path}\n`);
// The open input keeps this process alive; its end means that the test is gone.
process.stdin.resume().once('end', () => process.exit(0));
