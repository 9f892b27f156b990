/** Field managers of server-side apply: one for the objects, one for the status, so that neither takes the other's fields away. */
export const FIELD_MANAGER = 'gpu-classroom-operator';
export const STATUS_FIELD_MANAGER = 'gpu-classroom-operator-status';
/** For `status.reportKey` of Classrooms alone. */
export const REPORT_KEY_FIELD_MANAGER = 'gpu-classroom-operator-report-key';
/** The gateway's, for `status.usage` alone. */
export const USAGE_FIELD_MANAGER = 'gpu-classroom-gateway-usage';
/** The gateway's, for its demand Leases. */
export const DEMAND_FIELD_MANAGER = 'gpu-classroom-gateway-demand';
