{{- /* What a schema of values cannot say. Every message says what to do. */}}
{{- define "gpu-classroom.validate" -}}
{{- range $path := include "gpu-classroom.neededValues" . | fromYamlArray }}
{{- $value := $.Values }}
{{- range splitList "." $path }}{{ $value = index $value . }}{{ end }}
{{- if kindIs "invalid" $value }}
{{- fail (printf "%s is null or missing, and nothing works without it. Null takes a default away: give it a value, or leave it out. `helm upgrade --reuse-values` lacks the values that an older chart did not have: use --reset-then-reuse-values." $path) }}
{{- end }}
{{- end }}
{{- if and (gt (int .Values.gateway.replicas) 1) (not .Values.gateway.valkey.url) }}
{{- fail "gateway.replicas is more than 1, but gateway.valkey.url is empty: several gateways must count limits and tokens together. Set gateway.valkey.url to a Valkey or Redis server, or gateway.replicas to 1." }}
{{- end }}
{{- if regexMatch "^rediss?://[^@/]*:[^@/]*@" .Values.gateway.valkey.url }}
{{- fail "gateway.valkey.url has a password in it, which everybody who may read ConfigMaps would see. Put it into a Secret and name that in gateway.valkey.passwordSecret.name." }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}
{{- fail "ingress.enabled is true, but ingress.host is empty. Set it to the name that students reach the gateway by, such as llm.school.example." }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled is true, but httpRoute.parentRefs is empty. Name the Gateway that it belongs to, such as [{name: public, namespace: gateways}]." }}
{{- end }}
{{- if and .Values.rbac.nodePreparation.nodes (not .Values.rbac.nodePreparation.enabled) }}
{{- fail "rbac.nodePreparation.nodes is set, but rbac.nodePreparation.enabled is false. Set it to true, or leave the nodes out." }}
{{- end }}
{{- end }}
