import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/**
 * Prints the bill of materials of the product: CycloneDX as npm makes it of the lock file, without what is only for
 * development. npm's own `--omit=dev`, and what it marks as development, also leave out packages that the product needs and
 * something for development too.
 */
const root = new URL('../', import.meta.url);
const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional(), dev: z.boolean().optional() })),
});
const billSchema = z.looseObject({
  components: z.array(
    z.looseObject({
      'bom-ref': z.string(),
    }),
  ),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

const printed = execFileSync(
  'npm',
  ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'],
  { cwd: fileURLToPath(root), encoding: 'utf8', maxBuffer: 64 << 20 },
);
const bill = billSchema.parse(JSON.parse(printed));
const lock = lockSchema.parse(JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')));
/** `name@version`, as npm refers to packages. */
const needed = new Set(
  Object.entries(lock.packages)
    .filter(([, { dev = false }]) => !dev)
    .map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`),
);
const left = new Set(
  bill.components.map((component) => component['bom-ref']).filter((reference) => !needed.has(reference)),
);
const product = {
  ...bill,
  components: bill.components.filter((component) => !left.has(component['bom-ref'])),
  dependencies: bill.dependencies
    .filter(({ ref }) => !left.has(ref))
    .map((dependency) => ({
      ...dependency,
      dependsOn: dependency.dependsOn.filter((ref) => !left.has(ref)),
    })),
};
process.stdout.write(`${JSON.stringify(product, null, 2)}\n`);
