import { z } from 'zod';
import { API_GROUP } from '../../api/group.ts';
import { KubeApiError } from '../../kube/errors.ts';
import { CliError } from '../problem.ts';
import { problems } from '../problems.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
const detailsSchema = z.object({
  kind: z.string().optional(),
  name: z.string().optional(),
  causes: z.array(z.object({ field: z.string().optional(), message: z.string().optional() })).optional(),
});

/**
 * What an error of a call to the cluster means for who typed the command.
 *
 * @param server that was called
 * @returns undefined for what is no error of a call: a fault of the program
 */
export function problemOfCall(error: unknown, server: string): CliError | undefined {
  if (error instanceof CliError) return error;
  if (!(error instanceof KubeApiError)) return undefined;
  const why = error.message;
  switch (error.status) {
    case 0:
      return problemWithoutAnswer(error, server);
    case 401:
      return problems.notLoggedIn({ server });
    case 403:
      return problems.forbidden({ why });
    case 404:
      return isUnknownApi(error)
        ? problems.notInstalled({ server })
        : problems.refused({ what: 'There is no such object.', why });
    case 409:
      return error.reason === 'AlreadyExists'
        ? problems.refused({ what: 'There is such an object already.', why })
        : problems.conflict({ why });
    case 400:
    case 422:
      return problems.refused({ what: refusedObject(error), why: causesOf(error) });
    default:
      return problems.clusterFailed({ status: error.status, why });
  }
}

function problemWithoutAnswer(error: KubeApiError, server: string): CliError {
  const why = error.message;
  switch (error.reason) {
    case 'CredentialsUnavailable':
      return problems.noCredentials({ server, why });
    case 'DeadlineExceeded':
      return problems.noAnswerInTime({ why });
    case 'Aborted':
      return problems.interrupted();
    default:
      return problems.unreachable({ server, why });
  }
}

/** The API server has no path for a kind whose CRD is not there: it answers without a Status of its own. */
function isUnknownApi({ reason, message }: KubeApiError): boolean {
  return reason !== 'NotFound' || (message.includes(API_GROUP) && message.includes('could not find'));
}

function refusedObject({ details }: KubeApiError): string {
  const { kind, name } = detailsSchema.safeParse(details).data ?? {};
  return kind === undefined || name === undefined
    ? 'The cluster refuses what was asked.'
    : `The cluster refuses the ${kind} "${name}".`;
}

/** Each field with what is wrong with it, as far as the API server says. */
function causesOf({ details, message }: KubeApiError): string {
  const causes = detailsSchema.safeParse(details).data?.causes ?? [];
  const lines = causes.map(({ field, message: cause }) => [field, cause].filter(Boolean).join(': '));
  return lines.length === 0 ? message : lines.join('\n');
}
