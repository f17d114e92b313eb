{{/* Names and the few decisions that several templates share. */}}

{{- define "cardea.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains "cardea" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-cardea" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Names of objects of the whole cluster: two installs must not share them. */}}
{{- define "cardea.clusterName" -}}
{{- if eq .Release.Namespace (include "cardea.name" .) -}}
{{- include "cardea.name" . -}}
{{- else -}}
{{- printf "%s-%s" .Release.Namespace (include "cardea.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "cardea.selector" -}}
app.kubernetes.io/name: cardea
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "cardea.labels" -}}
{{ include "cardea.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: cardea
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "cardea.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "cardea.name" .) -}}
{{- end -}}

{{- define "cardea.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "cardea.adminAddress" -}}
{{- .Values.admin.listen | default (ternary "127.0.0.1" "0.0.0.0" .Values.hostNetwork) -}}
{{- end -}}

{{/* "true" where a listener needs NET_BIND_SERVICE. */}}
{{- define "cardea.lowPorts" -}}
{{- if or (lt (int .Values.ports.http) 1024) (lt (int .Values.ports.https) 1024) -}}
{{- if not .Values.hostNetwork -}}
{{- fail "ports below 1024 are for hostNetwork; elsewhere let service.ports or hostPorts be low and keep these high" -}}
{{- end -}}
true
{{- end -}}
{{- end -}}

{{/* "namespace/name" of the Service whose addresses are published, or nothing. */}}
{{- define "cardea.publishService" -}}
{{- if and (not .Values.publish.addresses) (not .Values.publish.nodeAddresses) -}}
{{- if .Values.publish.service -}}
{{- .Values.publish.service -}}
{{- else if and .Values.service.enabled (eq .Values.service.type "LoadBalancer") -}}
{{- printf "%s/%s" .Release.Namespace (include "cardea.name" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" where the replicas make and keep the webhook's certificate. */}}
{{- define "cardea.keepsCertificate" -}}
{{- if and .Values.webhook.enabled (not .Values.webhook.certificateSecret) -}}
true
{{- end -}}
{{- end -}}
