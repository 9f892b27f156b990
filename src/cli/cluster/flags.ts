import { z } from 'zod';
import type { Program } from '../../command-line/parse.ts';
import { duration, nonEmpty, onOrOff, positiveDuration } from '../../command-line/values.ts';

/** As kubectl takes it: a duration, or 0 for no limit. */
const requestTimeout = z
  .string()
  .transform((text) => (text === '0' ? '0s' : text))
  .pipe(duration)
  .transform((ms) => (ms === 0 ? Number.POSITIVE_INFINITY : ms));

/** What every command that talks to a cluster takes: the same words as kubectl. */
export const connectionSchema = z.object({
  namespace: nonEmpty.optional(),
  context: nonEmpty.optional(),
  kubeconfig: nonEmpty.optional(),
  as: nonEmpty.optional(),
  requestTimeout,
});
export type ConnectionFlags = z.infer<typeof connectionSchema>;

export const CONNECTION_FLAGS: Program<typeof connectionSchema>['flags'] = {
  namespace: {
    spelling: '-n, --namespace <name>',
    about: 'namespace of the class; default: that of the context',
  },
  context: { spelling: '--context <name>', about: 'context of the kubeconfig; default: its current one' },
  kubeconfig: {
    spelling: '--kubeconfig <file>',
    about: 'default: the files in KUBECONFIG, else ~/.kube/config',
  },
  as: { spelling: '--as <user>', about: 'act as this user, if you may' },
  requestTimeout: {
    spelling: '--request-timeout <duration>',
    about: 'how long one request to the cluster may take, such as 30s; 0: as long as it likes',
    default: '30s',
  },
};

/** Of commands that look at several objects; spread into their own schema and flags. */
export const SCOPE_SHAPE = { allNamespaces: onOrOff, selector: nonEmpty.optional() };

export const SCOPE_FLAGS = {
  allNamespaces: { spelling: '-A, --all-namespaces', about: 'look in all namespaces' },
  selector: {
    spelling: '-l, --selector <labels>',
    about: 'only objects with these labels, such as course=python',
  },
} as const;

/** Of commands that destroy something. */
export const YES_SHAPE = { yes: onOrOff };
export const YES_FLAGS = {
  yes: { spelling: '-y, --yes', about: 'do not ask whether it is meant' },
} as const;

/** Of commands whose effect takes time. */
export const WAIT_SHAPE = { wait: onOrOff, timeout: positiveDuration };
export const WAIT_FLAGS = {
  wait: { spelling: '--wait', about: 'come back when it has taken effect' },
  timeout: { spelling: '--timeout <duration>', about: 'how long --wait waits', default: '10m' },
} as const;
