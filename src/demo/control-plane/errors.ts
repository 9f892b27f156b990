/** What can go wrong with the throw-away control plane; the message says what to do. */
export type ControlPlaneErrorReason =
  | 'ComponentEnded'
  | 'BootTimeout'
  | 'UnexpectedAnswer'
  | 'CrdNotEstablished'
  | 'UnknownUser'
  | 'Stopped';

export class ControlPlaneError extends Error {
  readonly reason: ControlPlaneErrorReason;

  constructor(reason: ControlPlaneErrorReason, message: string) {
    super(message);
    this.name = 'ControlPlaneError';
    this.reason = reason;
  }
}

export const controlPlaneErrors = {
  componentEnded: (component: string, how: string, logFile: string, lastLines: string) =>
    new ControlPlaneError(
      'ComponentEnded',
      `${component} ended before it was ready (${how}). The last lines of its log tell why:\n${indent(lastLines)}\n(${logFile})`,
    ),
  bootTimeout: (component: string, what: string, timeoutMs: number, lastLines: string) =>
    new ControlPlaneError(
      'BootTimeout',
      `${component} was not ready after ${timeoutMs / 1000} s (waiting for ${what}). Is the machine very busy? Try again, or raise bootTimeoutMs. The last lines of its log:\n${indent(lastLines)}`,
    ),
  unexpectedAnswer: (request: string, status: number, body: string) =>
    new ControlPlaneError(
      'UnexpectedAnswer',
      `${request} was answered with ${status}: ${body.slice(0, 500)}`,
    ),
  crdNotEstablished: (name: string, timeoutMs: number, conditions: string) =>
    new ControlPlaneError(
      'CrdNotEstablished',
      `the API server does not serve ${name} after ${timeoutMs / 1000} s. Its conditions say: ${conditions}`,
    ),
  unknownUser: (name: string, known: readonly string[]) =>
    new ControlPlaneError(
      'UnknownUser',
      `there is no user ${name} here; name it in the option users. Known: ${known.join(', ')}`,
    ),
  stopped: () => new ControlPlaneError('Stopped', 'this control plane has been stopped: start a new one'),
};

function indent(lines: string): string {
  return lines.replace(/^/gm, '  ');
}
