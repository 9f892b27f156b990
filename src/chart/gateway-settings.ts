import { z } from 'zod';
import { tokenSettingsSchema } from '../gateway/identity/token-settings.ts';
import { FLAGS, NAMES_IN_FILE } from '../gateway/options.ts';
import { LOG_LEVELS } from '../observability/logger.ts';

/**
 * Settings of the gateway that the chart writes itself, from values that also shape the objects around it: a port that
 * only one of both knows about would be a gateway that nobody reaches.
 */
export const SETTINGS_OF_THE_CHART = [
  'listen',
  'healthAddress',
  'static',
  'kubeconfig',
  'namespace',
  'saltSecretFile',
  'ledger',
  'valkey',
  'valkeyPasswordFile',
  'valkeyCaFile',
  'tlsCertFile',
  'tlsKeyFile',
  'shutdownDelay',
  'shutdownGrace',
] as const;

/** What a value may look like, by the word in the flag's spelling. The gateway itself checks more when it starts. */
const KINDS: Readonly<Record<string, z.ZodType>> = {
  number: z.int().min(0),
  duration: z.string().regex(/^[0-9]+(ms|s|m|h)$/),
  level: z.enum(LOG_LEVELS),
  ranges: z.union([z.string(), z.array(z.string())]),
  url: z.url({ protocol: /^https?$/ }),
  text: z.string(),
};

/**
 * The settings that may stand in a values file, named as in the gateway's own file, with the block `jwt`.
 *
 * @throws Error for a flag whose spelling has a word of no known kind
 */
export function gatewaySettingsValues() {
  const ofTheChart: ReadonlySet<string> = new Set(SETTINGS_OF_THE_CHART);
  const fields = [...NAMES_IN_FILE].flatMap(([name, field]) => {
    const flag = Object.entries(FLAGS).find(([one]) => one === field)?.[1];
    if (flag === undefined || ofTheChart.has(name)) return [];
    const fallback = flag.default === undefined || flag.default === '' ? '' : ` Default: ${flag.default}.`;
    return [
      [
        name,
        kindOf(flag.spelling)
          .optional()
          .describe(`${sentence(flag.about)}${fallback}`),
      ] as const,
    ];
  });
  return z.strictObject({
    ...Object.fromEntries(fields),
    jwt: tokenSettingsSchema.optional().describe('Whose tokens are accepted in the place of keys.'),
  });
}

function kindOf(spelling: string): z.ZodType {
  const word = /<(.*)>/.exec(spelling)?.[1];
  if (word === undefined) return z.boolean();
  const kind = KINDS[word];
  if (kind === undefined) throw new Error(`${spelling}: no chart value is known for <${word}>`);
  return kind;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
