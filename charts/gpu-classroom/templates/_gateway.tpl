{{- define "gpu-classroom.gateway.scheme" -}}
{{- ternary "https" "http" (ne "" .Values.gateway.tlsSecretName) }}
{{- end }}

{{- define "gpu-classroom.gateway.port" -}}
{{- if .Values.gateway.service.port }}
{{- .Values.gateway.service.port }}
{{- else }}
{{- ternary 443 80 (ne "" .Values.gateway.tlsSecretName) }}
{{- end }}
{{- end }}

{{- /* Where the Service of the gateway answers, within the cluster. */}}
{{- define "gpu-classroom.gateway.serviceURL" -}}
{{- $scheme := include "gpu-classroom.gateway.scheme" . }}
{{- $port := include "gpu-classroom.gateway.port" . }}
{{- $usual := eq $port (ternary "443" "80" (eq $scheme "https")) }}
{{- printf "%s://%s.%s.svc%s" $scheme (include "gpu-classroom.gateway.name" .) .Release.Namespace (ternary "" (printf ":%s" $port) $usual) }}
{{- end }}

{{- /* What students get as OPENAI_BASE_URL. */}}
{{- define "gpu-classroom.gateway.baseURL" -}}
{{- if .Values.gateway.baseURL }}
{{- .Values.gateway.baseURL }}
{{- else if .Values.ingress.enabled }}
{{- printf "%s://%s/v1" (ternary "https" "http" (ne "" .Values.ingress.tlsSecretName)) .Values.ingress.host }}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames }}
{{- printf "https://%s/v1" (first .Values.httpRoute.hostnames) }}
{{- else }}
{{- include "gpu-classroom.gateway.serviceURL" . }}/v1
{{- end }}
{{- end }}

{{- /* A single gateway has no other to leave requests to: with a delay its successor would only start later. */}}
{{- define "gpu-classroom.gateway.shutdownDelaySeconds" -}}
{{- ternary (int .Values.gateway.shutdownDelaySeconds) 0 (ne "" .Values.gateway.valkey.url) }}
{{- end }}

{{- /* Empty: limits and usage are kept on a disk, by one gateway. */}}
{{- define "gpu-classroom.gateway.hasDisk" -}}
{{- if and (not .Values.gateway.valkey.url) .Values.gateway.persistence.enabled }}true{{ end }}
{{- end }}

{{- define "gpu-classroom.gateway.claim" -}}
{{- default (printf "%s-ledger" (include "gpu-classroom.gateway.name" .)) .Values.gateway.persistence.existingClaim }}
{{- end }}

{{- /* The file for --config: what the chart sets, and gateway.settings. */}}
{{- define "gpu-classroom.gateway.config" -}}
{{- $gateway := .Values.gateway }}
{{- $own := dict
  "listen" ":8080"
  "healthAddress" ":8081"
  "shutdownDelay" (printf "%ss" (include "gpu-classroom.gateway.shutdownDelaySeconds" .))
  "shutdownGrace" (printf "%ds" (int $gateway.shutdownGraceSeconds)) }}
{{- with .Values.watchNamespace }}{{ $_ := set $own "namespace" . }}{{ end }}
{{- with $gateway.saltSecret.name }}{{ $_ := set $own "saltSecretFile" "/run/secrets/gpu-classroom/salt/salt" }}{{ end }}
{{- if $gateway.tlsSecretName }}
{{- $_ := set $own "tlsCertFile" "/run/secrets/gpu-classroom/tls/tls.crt" }}
{{- $_ := set $own "tlsKeyFile" "/run/secrets/gpu-classroom/tls/tls.key" }}
{{- end }}
{{- with $gateway.valkey }}
{{- if .url }}
{{- $_ := set $own "valkey" .url }}
{{- $_ := set $own "valkeyPrefix" .prefix }}
{{- with .passwordSecret.name }}{{ $_ := set $own "valkeyPasswordFile" "/run/secrets/gpu-classroom/valkey-password/password" }}{{ end }}
{{- with .caSecret.name }}{{ $_ := set $own "valkeyCaFile" "/run/secrets/gpu-classroom/valkey-ca/ca.crt" }}{{ end }}
{{- else }}
{{- $_ := set $own "ledger" (ternary "/var/lib/gpu-classroom/ledger.db" "memory" $gateway.persistence.enabled) }}
{{- end }}
{{- end }}
{{- toYaml (merge $own $gateway.settings) }}
{{- end }}

{{- /* Secrets that are files of the gateway: a list under "files". */}}
{{- define "gpu-classroom.gateway.secretFiles" -}}
files:
{{- with .Values.gateway }}
{{- with .saltSecret }}
{{- if .name }}
  - {volume: salt, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: salt}]}
{{- end }}
{{- end }}
{{- with .tlsSecretName }}
  - {volume: tls, secret: {{ . | quote }}, items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]}
{{- end }}
{{- if .valkey.url }}
{{- with .valkey.passwordSecret }}
{{- if .name }}
  - {volume: valkey-password, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: password}]}
{{- end }}
{{- end }}
{{- with .valkey.caSecret }}
{{- if .name }}
  - {volume: valkey-ca, secret: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: ca.crt}]}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
