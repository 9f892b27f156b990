import { z } from 'zod';
import type { RenderedObject } from './helm.ts';

/**
 * ServiceMonitors as Prometheus' operator turns them into scrapes, as far as the charts use them.
 * https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor
 */

const relabelingSchema = z.strictObject({
  sourceLabels: z.array(z.string()).optional(),
  separator: z.string().optional(),
  targetLabel: z.string(),
  replacement: z.string().optional(),
});

const serviceMonitorSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.strictObject({
    namespaceSelector: z.union([
      z.strictObject({ any: z.literal(true) }),
      z.strictObject({ matchNames: z.array(z.string()) }),
    ]),
    selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
    endpoints: z.tuple([
      z.strictObject({
        port: z.string(),
        path: z.string(),
        interval: z.string(),
        relabelings: z.array(relabelingSchema),
      }),
    ]),
  }),
});

export type ServiceMonitor = z.infer<typeof serviceMonitorSchema>;

const serviceSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    labels: z.record(z.string(), z.string()),
  }),
  spec: z.object({ ports: z.array(z.object({ name: z.string() })) }),
});

/** A Service, rendered by Helm or read from the API server. */
export type ScrapedService = z.infer<typeof serviceSchema>;

export function serviceMonitorsIn(objects: readonly RenderedObject[]): ServiceMonitor[] {
  return objects
    .filter(({ kind }) => kind === 'ServiceMonitor')
    .map((object) => serviceMonitorSchema.parse(object));
}

export function servicesIn(objects: readonly object[]): ScrapedService[] {
  return objects.map((object) => serviceSchema.parse(object));
}

/** Whether it scrapes what is behind the Service: by namespace, labels and name of the port. */
export function selects({ spec }: ServiceMonitor, { metadata, spec: { ports } }: ScrapedService): boolean {
  const { namespaceSelector: where, selector, endpoints } = spec;
  const inNamespace = 'any' in where || where.matchNames.includes(metadata.namespace);
  const hasLabels = Object.entries(selector.matchLabels).every(
    ([key, value]) => metadata.labels[key] === value,
  );
  return inNamespace && hasLabels && ports.some(({ name }) => name === endpoints[0].port);
}

/** One process behind a Service. */
export interface ScrapedPod {
  readonly pod: string;
  /** `host:port`. */
  readonly address: string;
}

/** A group of targets of `file_sd_configs`, with what the discovery in a cluster says of them. */
export function targetGroup({ metadata }: ScrapedService, { pod, address }: ScrapedPod) {
  const labels = Object.entries(metadata.labels).map(
    ([key, value]) => [`__meta_kubernetes_service_label_${labelName(key)}`, value] as const,
  );
  return {
    targets: [address],
    labels: {
      __meta_kubernetes_namespace: metadata.namespace,
      __meta_kubernetes_service_name: metadata.name,
      __meta_kubernetes_pod_name: pod,
      ...Object.fromEntries(labels),
    },
  };
}

/** https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config */
function labelName(key: string): string {
  return key.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

/** What Prometheus' operator sets for every ServiceMonitor, before its own relabelings. */
const STANDARD_RELABELINGS = [
  { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
  { source_labels: ['__meta_kubernetes_service_name'], target_label: 'service' },
  { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
  { source_labels: ['__meta_kubernetes_service_name'], target_label: 'job' },
];

/** An entry of `scrape_configs`. */
export function scrapeConfig({ metadata, spec }: ServiceMonitor, targetsFile: string) {
  const [endpoint] = spec.endpoints;
  return {
    job_name: `serviceMonitor/${metadata.namespace}/${metadata.name}/0`,
    metrics_path: endpoint.path,
    file_sd_configs: [{ files: [targetsFile] }],
    relabel_configs: [
      ...STANDARD_RELABELINGS,
      ...endpoint.relabelings.map(({ sourceLabels, separator, targetLabel, replacement }) => ({
        ...(sourceLabels === undefined ? {} : { source_labels: sourceLabels }),
        ...(separator === undefined ? {} : { separator }),
        target_label: targetLabel,
        ...(replacement === undefined ? {} : { replacement }),
      })),
    ],
  };
}
