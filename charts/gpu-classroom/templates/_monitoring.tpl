{{- /* What operator and gateway are scraped with: (dict "root" $ "component" "gateway" "name" …). */}}
{{- define "gpu-classroom.serviceMonitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gpu-classroom.monitorLabels" . | nindent 4 }}
spec:
  namespaceSelector:
    matchNames: [{{ .root.Release.Namespace }}]
  selector:
    matchLabels:
      {{- include "gpu-classroom.selectorLabels" . | nindent 6 }}
      gpu-classroom.io/metrics: "true"
  endpoints:
    - port: metrics
      path: /metrics
      interval: {{ .root.Values.monitoring.serviceMonitor.interval }}
      relabelings:
        # Alerts and dashboards ask for this job, whatever the release is called.
        - {targetLabel: job, replacement: gpu-classroom-{{ .component }}}
{{- end }}

{{- define "gpu-classroom.monitorLabels" -}}
{{- $labels := include "gpu-classroom.labels" . | fromYaml }}
{{- toYaml (merge (deepCopy (default dict .root.Values.monitoring.serviceMonitor.labels)) $labels) }}
{{- end }}
