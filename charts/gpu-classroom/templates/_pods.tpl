{{- /* What the pods of operator and gateway have in common: (dict "root" $ "component" "gateway" "values" .Values.gateway). */}}
{{- define "gpu-classroom.podMetadata" -}}
{{- /* Without versions: a new chart that changes nothing of a pod must not restart it. */}}
{{- $own := merge (include "gpu-classroom.selectorLabels" . | fromYaml) (dict "app.kubernetes.io/part-of" "gpu-classroom") -}}
labels:
  {{- toYaml (merge $own (default dict .values.podLabels) (default dict .root.Values.commonLabels)) | nindent 2 }}
{{- end }}

{{- define "gpu-classroom.podPlacement" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
# Variables of Services would look like settings: both begin with GPU_CLASSROOM_.
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "gpu-classroom.selectorLabels" . | nindent 8 }}
  {{- end }}
{{- end }}

{{- define "gpu-classroom.podDisruptionBudget" -}}
{{- if .values.podDisruptionBudget.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gpu-classroom.labels" . | nindent 4 }}
spec:
  # Not minAvailable: with one pod no node could ever be drained.
  maxUnavailable: 1
  # What does not work is no reason to keep a node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "gpu-classroom.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}

{{- define "gpu-classroom.serviceAccount" -}}
{{- if .values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .account }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gpu-classroom.labels" . | nindent 4 }}
  {{- with .values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
# Our pods ask for the token themselves; nothing else that runs as this account gets one.
automountServiceAccountToken: false
{{- end }}
{{- end }}

{{- /* A Service for metrics alone: that of the students does not lead there. */}}
{{- define "gpu-classroom.metricsService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}-metrics
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gpu-classroom.labels" . | nindent 4 }}
    gpu-classroom.io/metrics: "true"
spec:
  clusterIP: None
  selector:
    {{- include "gpu-classroom.selectorLabels" . | nindent 4 }}
  ports:
    - name: metrics
      port: {{ .port }}
      targetPort: health
      protocol: TCP
{{- end }}
