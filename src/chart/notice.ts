const NOTICE = 'Generated from src/ by `npm run generate`: do not edit.';

/** First line of a generated template; it does not appear in what is rendered. */
export const TEMPLATE_NOTICE = `{{- /* ${NOTICE} */}}`;
