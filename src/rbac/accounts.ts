/** Where the product itself runs. */
export const SYSTEM_NAMESPACE = 'gpu-classroom';

/** The ServiceAccounts of the two processes. */
export const OPERATOR_ACCOUNT = { namespace: SYSTEM_NAMESPACE, name: 'gpu-classroom-operator' } as const;
export const GATEWAY_ACCOUNT = { namespace: SYSTEM_NAMESPACE, name: 'gpu-classroom-gateway' } as const;
