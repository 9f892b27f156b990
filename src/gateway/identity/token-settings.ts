import { z } from 'zod';
import { duration, nonEmpty } from '../../command-line/values.ts';

/** Signatures whose verifier cannot make them: the default. https://www.iana.org/assignments/jose/jose.xhtml */
const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
/** Only with `secretFile`: with a public key in its place, anybody could sign. */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;

const LOOPBACK_OR_CLUSTER = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|.+\.svc(\.[a-z0-9.-]+)?)$/;

const jwksUrl = z.url({ protocol: /^https?$/, error: 'must be an https URL', abort: true }).refine((text) => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || LOOPBACK_OR_CLUSTER.test(hostname);
}, 'must be https, or http to this machine or to a Service of the cluster');

/** A class as settings and tokens name it. */
export const CLASS_KEY = /^[a-z0-9.-]+\/[a-z0-9.-]+$/;

/** The block `jwt` of the configuration: whose tokens are accepted, and what in them names student and class. */
export const tokenSettingsSchema = z
  .strictObject({
    issuer: nonEmpty,
    audience: nonEmpty,
    jwksUrl: jwksUrl.optional(),
    publicKeyFile: nonEmpty.optional(),
    secretFile: nonEmpty.optional(),
    algorithms: z
      .array(z.enum([...ASYMMETRIC_ALGORITHMS, ...SECRET_ALGORITHMS]))
      .min(1)
      .optional(),
    studentClaim: nonEmpty.default('sub'),
    classroom: z.string().regex(CLASS_KEY, "must be 'namespace/name'").optional(),
    classroomClaim: nonEmpty.optional(),
    clockTolerance: duration.prefault('30s'),
  })
  .refine(exactlyOne('jwksUrl', 'publicKeyFile', 'secretFile'), {
    message: 'must have exactly one of "jwksUrl", "publicKeyFile" and "secretFile"',
  })
  .refine(exactlyOne('classroom', 'classroomClaim'), {
    message: 'must have either "classroom" or "classroomClaim"',
  })
  .superRefine(({ algorithms = [], secretFile }, context) => {
    const allowed: readonly string[] = secretFile === undefined ? ASYMMETRIC_ALGORITHMS : SECRET_ALGORITHMS;
    if (algorithms.every((one) => allowed.includes(one))) return;
    const why = secretFile === undefined ? 'with a public key' : 'with "secretFile"';
    context.addIssue({
      code: 'custom',
      path: ['algorithms'],
      message: `${why} can only be ${allowed.join(', ')}`,
    });
  })
  .transform(({ clockTolerance, algorithms, ...rest }) => ({
    ...rest,
    clockToleranceMs: clockTolerance,
    algorithms: algorithms ?? [
      ...(rest.secretFile === undefined ? ASYMMETRIC_ALGORITHMS : ['HS256' as const]),
    ],
  }));

/** What each field means, for the reference; the type makes the list complete. */
export const TOKEN_SETTINGS_ABOUT: Readonly<
  Record<keyof z.input<typeof tokenSettingsSchema>, { readonly about: string; readonly default?: string }>
> = {
  issuer: { about: 'must be the claim `iss`' },
  audience: { about: 'must be in the claim `aud`: tokens that the issuer made for others do not count' },
  jwksUrl: {
    about:
      'where the issuer publishes its keys: https, or http to this machine or a Service (`….svc`) of the cluster',
  },
  publicKeyFile: { about: 'in its place, the public key as PEM, JWK or JWKS' },
  secretFile: { about: 'in its place, a secret of at least 32 bytes that issuer and gateway share' },
  algorithms: {
    about:
      'the algorithms that are accepted; with `secretFile` only `HS256`, `HS384`, `HS512`, else only asymmetric ones',
    default: 'asymmetric; HS256 with secretFile',
  },
  studentClaim: { about: "the claim whose value is the student's id in the class", default: 'sub' },
  classroom: { about: 'the class of all tokens, as `namespace/name`' },
  classroomClaim: { about: 'in its place, the claim whose value is the class, as `namespace/name`' },
  clockTolerance: { about: 'by how much the clocks of issuer and gateway may differ', default: '30s' },
};

/** Checked settings for JSON Web Tokens. */
export type TokenSettings = z.output<typeof tokenSettingsSchema>;

function exactlyOne<Field extends string>(...fields: readonly Field[]) {
  return (block: { readonly [F in Field]?: unknown }): boolean =>
    fields.filter((field) => block[field] !== undefined).length === 1;
}
