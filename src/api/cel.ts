/**
 * The reasons that the API server knows for a refused field, but for `FieldValueDuplicate`: with that one it answers
 * only "Duplicate value" and drops the message.
 */
export type CelReason = 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';

/** One `x-kubernetes-validations` entry of a CRD. */
export interface CelRule {
  rule: string;
  message: string;
  reason: CelReason;
  fieldPath?: string;
}

/**
 * A CEL rule. The message is what a trainer reads when `kubectl apply` is refused: it says "must" or "must not",
 * with field names in back-quotes and literals in single quotes, on one line.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
 */
export function rule(expression: string, message: string, reason: CelReason, fieldPath?: string): CelRule {
  return fieldPath === undefined
    ? { rule: expression, message, reason }
    : { rule: expression, message, reason, fieldPath };
}
