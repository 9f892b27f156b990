import { z } from 'zod';
import type { SettingsFile } from '../command-line/parse.ts';
import { type Fault, type LocatedYaml, parseLocatedYaml, YamlFaultsError } from '../yaml/located.ts';
import { type TokenSettings, tokenSettingsSchema } from './identity/token-settings.ts';

/** What a file for `--config` says. */
export interface GatewayFile extends SettingsFile {
  /** The block `jwt`, once it is right. */
  readonly jwt: TokenSettings | undefined;
}

const TOKEN_BLOCK = 'jwt';

/** What YAML makes of a setting as somebody would write it; lists only where a flag takes several. */
const settingSchema = z.union([
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
  z.array(z.string()).transform((words) => words.join(',')),
]);
const fileSchema = z.record(z.string(), z.unknown());

/**
 * Reads the text of a file for `--config`. Never throws: what is wrong is in `faults`, all of it, and the settings that
 * can be read are read, so that their own mistakes are told at once with the others.
 *
 * @param path for the words of the faults
 * @param fields the field of each name that may stand in the file
 */
export function readGatewayFile(
  path: string,
  text: string,
  fields: ReadonlyMap<string, string>,
): GatewayFile {
  const located = locate(text);
  if (!('content' in located)) {
    return { texts: new Map(), jwt: undefined, faults: located.faults.map((fault) => `${path}: ${fault}`) };
  }
  const faults: Fault[] = [];
  const texts = new Map<string, { text: string; where: string }>();
  let jwt: TokenSettings | undefined;
  for (const [name, value] of entriesOf(located, faults)) {
    const field = fields.get(name);
    if (name === TOKEN_BLOCK) jwt = tokenSettingsOf(value, faults);
    else if (field === undefined) faults.push({ path: [name], message: 'is not a setting of the gateway' });
    else {
      const setting = settingSchema.safeParse(value);
      const where = `${path}: ${located.describe({ path: [name], message: '' }).trimEnd()}`;
      if (setting.success) texts.set(field, { text: setting.data, where });
      else faults.push({ path: [name], message: 'must be one value, as it would follow the flag' });
    }
  }
  return { texts, jwt, faults: faults.map((fault) => `${path}: ${located.describe(fault)}`) };
}

function locate(text: string): LocatedYaml | YamlFaultsError {
  try {
    return parseLocatedYaml(text);
  } catch (error) {
    if (error instanceof YamlFaultsError) return error;
    throw error;
  }
}

function entriesOf({ content }: LocatedYaml, faults: Fault[]): [string, unknown][] {
  const parsed = fileSchema.safeParse(content ?? {});
  if (parsed.success) return Object.entries(parsed.data);
  faults.push({ path: [], message: 'must be settings, each as "name: value"' });
  return [];
}

function tokenSettingsOf(value: unknown, faults: Fault[]): TokenSettings | undefined {
  const parsed = tokenSettingsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) faults.push({ path: [TOKEN_BLOCK, ...path], message });
  return undefined;
}
