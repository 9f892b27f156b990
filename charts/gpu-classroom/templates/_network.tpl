{{- define "gpu-classroom.labelFlag" -}}
{{- $pairs := list }}
{{- range $key, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $key $value) }}{{ end }}
{{- join "," $pairs }}
{{- end }}

{{- /* Who may read health and metrics: Prometheus, and helm test. Kubelets always may. */}}
{{- define "gpu-classroom.watchers" -}}
- podSelector:
    matchLabels:
      {{- include "gpu-classroom.selectorLabels" (dict "root" . "component" "test") | nindent 6 }}
{{- with .Values.monitoring.prometheus }}
{{- if .namespace }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace }}
  podSelector:
    matchLabels:
      {{- toYaml .podLabels | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "gpu-classroom.commonEgress" -}}
# DNS
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
# The API server: no selector reaches it.
- ports:
    {{- range .Values.networkPolicy.egress.apiServerPorts }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
# Engines
- to:
    - podSelector:
        matchLabels:
          app.kubernetes.io/component: engine
      namespaceSelector:
        {{- if .Values.watchNamespace }}
        matchLabels:
          kubernetes.io/metadata.name: {{ .Values.watchNamespace }}
        {{- else }} {}
        {{- end }}
  ports:
    - {port: 8000, protocol: TCP}
{{- with .Values.networkPolicy.egress.extra }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The port of a URL: (dict "url" … "fallback" "443"). */}}
{{- define "gpu-classroom.portOf" -}}
{{- default .fallback (regexFind ":[0-9]+$" (urlParse .url).host | trimPrefix ":") }}
{{- end }}
