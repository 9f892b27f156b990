{{- define "gpu-classroom.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* What all names begin with. Short enough for the longest suffix of a Service. */}}
{{- define "gpu-classroom.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 44 | trimSuffix "-" }}
{{- else if contains (include "gpu-classroom.name" .) .Release.Name }}
{{- .Release.Name | trunc 44 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "gpu-classroom.name" .) | trunc 44 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "gpu-classroom.operator.name" -}}
{{- include "gpu-classroom.fullname" . }}-operator
{{- end }}

{{- define "gpu-classroom.gateway.name" -}}
{{- include "gpu-classroom.fullname" . }}-gateway
{{- end }}

{{- define "gpu-classroom.operator.account" -}}
{{- default (include "gpu-classroom.operator.name" .) .Values.operator.serviceAccount.name }}
{{- end }}

{{- define "gpu-classroom.gateway.account" -}}
{{- default (include "gpu-classroom.gateway.name" .) .Values.gateway.serviceAccount.name }}
{{- end }}

{{- define "gpu-classroom.operator.username" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "gpu-classroom.operator.account" . }}
{{- end }}

{{- define "gpu-classroom.gateway.username" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "gpu-classroom.gateway.account" . }}
{{- end }}

{{- /* Labels of every object: (dict "root" $ "component" "gateway"), component may be empty. `more` cannot change ours. */}}
{{- define "gpu-classroom.labels" -}}
{{- toYaml (merge (include "gpu-classroom.ownLabels" . | fromYaml) (default dict .more) (default dict .root.Values.commonLabels)) }}
{{- end }}

{{- define "gpu-classroom.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "gpu-classroom.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: gpu-classroom
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- /* Labels that Services, Deployments and policies select by: they never change. */}}
{{- define "gpu-classroom.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gpu-classroom.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- /* The same for a flag: key=value,key=value. */}}
{{- define "gpu-classroom.selectorFlag" -}}
app.kubernetes.io/name={{ include "gpu-classroom.name" .root }},app.kubernetes.io/instance={{ .root.Release.Name }},app.kubernetes.io/component={{ .component }}
{{- end }}

{{- define "gpu-classroom.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}
