{{- define "classroom.name" -}}
{{- default .Release.Name .Values.name }}
{{- end }}

{{- define "classroom.labels" -}}
{{- toYaml (merge (include "classroom.ownLabels" . | fromYaml) (default dict .Values.labels)) }}
{{- end }}

{{- define "classroom.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: classroom
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/part-of: gpu-classroom
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /*
Name of a seat: (dict "class" … "student" …). The same as `kubectl classroom enroll` gives it: an id that cannot be part
of a name is made one, with a hash, so that Alice and alice are two.
*/}}
{{- define "classroom.seatName" -}}
{{- $id := .student.id }}
{{- $plain := printf "%s-%s" .class $id }}
{{- if .student.name }}
{{- .student.name }}
{{- else if and (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $id) (le (len $plain) 63) }}
{{- $plain }}
{{- else }}
{{- $readable := printf "%s-%s" .class (regexReplaceAll "[^a-z0-9-]+" (lower $id) "-") | trunc 54 }}
{{- printf "%s-%s" (regexReplaceAll "-+$" $readable "") (sha256sum $id | trunc 8) }}
{{- end }}
{{- end }}
