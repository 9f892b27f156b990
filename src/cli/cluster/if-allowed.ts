import { KubeApiError } from '../../kube/errors.ts';

/** What somebody may see; undefined where the cluster says that it is not for them. Other errors stay errors. */
export async function ifAllowed<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KubeApiError && error.status === 403) return undefined;
    throw error;
  }
}
