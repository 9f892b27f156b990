import { z } from 'zod';
import { tokenSettingsSchema } from '../gateway/identity/token-settings.ts';
import { FLAGS, NAMES_IN_FILE, settingsSchema } from '../gateway/options.ts';
import { sentenceOf, valueOfFlag } from './flag-values.ts';

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

/** The settings that may stand in a values file, named as in the gateway's own file, with the block `jwt`. */
export function gatewaySettingsValues() {
  const ofTheChart: ReadonlySet<string> = new Set(SETTINGS_OF_THE_CHART);
  const schemas: Readonly<Record<string, z.ZodType>> = settingsSchema.shape;
  const flags = new Map(Object.entries(FLAGS));
  const fields = [...NAMES_IN_FILE].flatMap(([name, field]) => {
    const [flag, schema] = [flags.get(field), schemas[field]];
    if (flag === undefined || schema === undefined || ofTheChart.has(name)) return [];
    const fallback = flag.default === undefined || flag.default === '' ? '' : ` Default: ${flag.default}.`;
    return [
      [
        name,
        valueOfFlag(flag, schema)
          .optional()
          .describe(`${sentenceOf(flag)}${fallback}`),
      ] as const,
    ];
  });
  return z.strictObject({
    ...Object.fromEntries(fields),
    jwt: tokenSettingsSchema.optional().describe('Whose tokens are accepted in the place of keys.'),
  });
}
