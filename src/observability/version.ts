import packageJson from '../../package.json' with { type: 'json' };

/** Of the product, as in `package.json`. */
export const VERSION: string = packageJson.version;
