import type { Classroom } from '../../api/classroom.ts';
import { reportKeyIn } from '../../classroom/report-key/secret.ts';
import { REPORT_PATH } from '../../gateway/request/endpoints.ts';
import { parseJson } from '../../json/parse.ts';
import { secrets } from '../../kube/resources.ts';
import { ExtractError, extractOf, type LedgerExtract } from '../../report/extract.ts';
import type { Cluster } from '../cluster/command.ts';
import { gatewayOf } from '../gateway/gateway.ts';
import { problems } from '../problems.ts';

/** Long enough for a ledger that has to be read from a slow disk. */
const DEADLINE_MS = 60_000;
const API_PREFIX = '/v1';

/** Local days of a class, the last one included; default: from the first, to today. */
export interface WantedDays {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/**
 * Asks the gateway for the account of a class, with the key of its report.
 *
 * @throws CliError when there is no key, the gateway cannot be asked, or the answer broke off
 */
export async function readAccount(
  classroom: Classroom,
  days: WantedDays,
  cluster: Cluster,
  gatewayUrl: string | undefined,
): Promise<LedgerExtract> {
  const apiKey = await keyOf(classroom, cluster);
  const gateway = gatewayOf(classroom, cluster, gatewayUrl);
  let text = '';
  const path = REPORT_PATH.slice(API_PREFIX.length) + queryOf(days);
  for await (const part of gateway.ask({ method: 'GET', path, apiKey, deadlineMs: DEADLINE_MS }))
    text += part;
  try {
    return extractOf(
      text
        .split('\n')
        .filter((line) => line !== '')
        .map(parseJson),
    );
  } catch (error) {
    if (!(error instanceof ExtractError)) throw error;
    throw problems.reportUnreadable({ place: gateway.place, why: error.message });
  }
}

async function keyOf({ metadata, status }: Classroom, { client }: Cluster): Promise<string> {
  const { name, namespace = '' } = metadata;
  const secretName = status?.reportKey?.secretName;
  const secret =
    secretName === undefined ? undefined : await client.get(secrets, { namespace, name: secretName });
  const key = secret && reportKeyIn(secret);
  if (key === undefined) throw problems.reportKeyMissing({ classroom: name });
  return key;
}

function queryOf({ since, until }: WantedDays): string {
  const query = new URLSearchParams({
    ...(since === undefined ? {} : { from: since }),
    ...(until === undefined ? {} : { to: until }),
  }).toString();
  return query === '' ? '' : `?${query}`;
}
