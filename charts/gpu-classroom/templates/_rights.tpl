{{- /* Rights in all namespaces, or in the one that is served. */}}
{{- define "gpu-classroom.roleKind" -}}
{{- ternary "Role" "ClusterRole" (ne "" .Values.watchNamespace) }}
{{- end }}

{{- /* Binds a role to the account of the same process: kind, name and namespace (empty: none) of the role. */}}
{{- define "gpu-classroom.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "gpu-classroom.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .account }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}
