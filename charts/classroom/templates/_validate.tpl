{{- define "classroom.validate" -}}
{{- $class := include "classroom.name" . }}
{{- if or (gt (len $class) 40) (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $class)) }}
{{- fail (printf "the class would be called %q, but its name must begin with a letter, have only a-z, 0-9 and '-', and at most 40 characters: set `name`." $class) }}
{{- end }}
{{- $ids := dict }}
{{- $names := dict }}
{{- range $index, $student := .Values.students }}
{{- if hasKey $ids $student.id }}
{{- fail (printf "students[%d] has the id %q, as students[%d]: a student has one seat in a class. Take one of them out." $index $student.id (int (get $ids $student.id))) }}
{{- end }}
{{- $_ := set $ids $student.id $index }}
{{- $name := include "classroom.seatName" (dict "class" $class "student" $student) }}
{{- if hasKey $names $name }}
{{- fail (printf "students[%d] and students[%d] would both be called %q: set `name` of one of them." (int (get $names $name)) $index $name) }}
{{- end }}
{{- $_ := set $names $name $index }}
{{- end }}
{{- end }}
