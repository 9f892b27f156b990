{{- /* Generated from src/ by `npm run generate`: do not edit. */}}
{{- define "gpu-classroom.rules.operator.classes" -}}
- apiGroups:
    - gpu-classroom.io
  resources:
    - classrooms
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - gpu-classroom.io
  resources:
    - classrooms/status
  verbs:
    - patch
- apiGroups:
    - gpu-classroom.io
  resources:
    - classrooms/finalizers
  verbs:
    - update
- apiGroups:
    - gpu-classroom.io
  resources:
    - studentquotas
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - gpu-classroom.io
  resources:
    - studentquotas/status
  verbs:
    - patch
- apiGroups:
    - gpu-classroom.io
  resources:
    - studentquotas/finalizers
  verbs:
    - update
- apiGroups:
    - ""
  resources:
    - secrets
  verbs:
    - get
    - list
    - watch
    - create
    - patch
- apiGroups:
    - apps
  resources:
    - deployments
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - ""
  resources:
    - services
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - ""
  resources:
    - serviceaccounts
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - networking.k8s.io
  resources:
    - networkpolicies
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - policy
  resources:
    - poddisruptionbudgets
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - ""
  resources:
    - persistentvolumeclaims
  verbs:
    - get
    - list
    - watch
    - create
    - patch
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - list
    - watch
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - patch
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - delete
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  verbs:
    - list
    - watch
    - delete
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - create
    - patch
{{- end }}

{{- define "gpu-classroom.rules.operator.cluster" -}}
- apiGroups:
    - ""
  resources:
    - nodes
  verbs:
    - list
    - watch
- apiGroups:
    - resource.k8s.io
  resources:
    - resourceslices
  verbs:
    - list
    - watch
{{- end }}

{{- define "gpu-classroom.rules.operator.own" -}}
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  verbs:
    - create
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  resourceNames:
    - {{ include "gpu-classroom.operator.name" . }}
  verbs:
    - get
    - update
{{- end }}

{{- define "gpu-classroom.rules.gateway.classes" -}}
- apiGroups:
    - gpu-classroom.io
  resources:
    - classrooms
  verbs:
    - list
    - watch
- apiGroups:
    - gpu-classroom.io
  resources:
    - studentquotas
  verbs:
    - list
    - watch
- apiGroups:
    - gpu-classroom.io
  resources:
    - studentquotas/status
  verbs:
    - patch
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - list
    - watch
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  verbs:
    - create
    - patch
{{- end }}

{{- define "gpu-classroom.rules.operator.nodePreparation" -}}
- apiGroups:
    - ""
  resources:
    - nodes
  verbs:
    - list
    - watch
- apiGroups:
    - ""
  resources:
    - nodes
  verbs:
    - patch
  {{- with .Values.rbac.nodePreparation.nodes }}
  resourceNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - list
- apiGroups:
    - ""
  resources:
    - pods/eviction
  verbs:
    - create
{{- end }}

{{- define "gpu-classroom.rules.people.platform" -}}
- apiGroups:
    - gpu-classroom.io
  resources:
    - classrooms
  verbs:
    - get
    - list
    - watch
    - create
    - update
    - patch
    - delete
- apiGroups:
    - gpu-classroom.io
  resources:
    - studentquotas
  verbs:
    - get
    - list
    - watch
    - create
    - update
    - patch
    - delete
- apiGroups:
    - ""
  resources:
    - secrets
  verbs:
    - get
    - list
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - ""
  resources:
    - pods/log
  verbs:
    - get
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - ""
  resources:
    - events
  verbs:
    - get
    - list
    - watch
{{- end }}

{{- define "gpu-classroom.rules.people.trainer" -}}
- apiGroups:
    - gpu-classroom.io
  resources:
    - classrooms
  verbs:
    - get
    - list
    - watch
    - update
    - patch
- apiGroups:
    - gpu-classroom.io
  resources:
    - studentquotas
  verbs:
    - get
    - list
    - watch
    - create
    - update
    - patch
    - delete
- apiGroups:
    - ""
  resources:
    - secrets
  verbs:
    - get
    - list
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - ""
  resources:
    - pods/log
  verbs:
    - get
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - ""
  resources:
    - events
  verbs:
    - get
    - list
    - watch
{{- end }}

{{- define "gpu-classroom.rules.people.student-viewer" -}}
- apiGroups:
    - gpu-classroom.io
  resources:
    - classrooms
  verbs:
    - get
    - list
    - watch
{{- end }}
