{{/* Rules of the roles. What uses each stands beside it; tests/cluster/rbac.yaml lists what must be allowed and refused. */}}

{{/* What is watched and written back in the namespaces that are served. */}}
{{- define "cardea.rules.namespaced" -}}
# Watched whole.
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [cardea.dev]
  resources: [policies]
  verbs: [list, watch]
# Modules in ConfigMaps, each watched by its name.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [list, watch]
# Written back by the leader.
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
- apiGroups: [cardea.dev]
  resources: [policies/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* Certificates and pull secrets that something accepted names, each listed and watched by its name. A rule with resourceNames allows
     just that. names: empty for all of the namespace */}}
{{- define "cardea.rules.secrets" -}}
- apiGroups: [""]
  resources: [secrets]
  {{- with .names }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: [list, watch]
{{- end -}}

{{/* Objects of no namespace. */}}
{{- define "cardea.rules.cluster" -}}
{{- if .Values.rbac.ingressClasses }}
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list, watch]
{{- else if not .Values.ingressClass.only }}
{{- fail "rbac.ingressClasses: false needs ingressClass.only: true" }}
{{- end }}
{{- if or .Values.publish.nodeAddresses .Values.zoneFromNode }}
- apiGroups: [""]
  resources: [nodes]
  verbs: [get]
{{- end }}
{{- if include "cardea.keepsCertificate" . }}
# The webhook writes its own certificate's authority there.
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingwebhookconfigurations]
  resourceNames: [{{ include "cardea.clusterName" . }}]
  verbs: [get, patch]
{{- end }}
{{- end -}}

{{/* The release's own namespace: who leads, and the webhook's certificate, which the replicas share. */}}
{{- define "cardea.rules.own" -}}
{{- $lease := include "cardea.name" . -}}
# A name cannot limit create.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ $lease }}]
  verbs: [get, update]
{{- if .Values.publish.nodeAddresses }}
# Which nodes have a pod of ours.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
{{- end }}
{{- $publish := include "cardea.publishService" . }}
{{- if and .Values.namespace (hasPrefix (printf "%s/" .Release.Namespace) $publish) }}
- apiGroups: [""]
  resources: [services]
  resourceNames: [{{ trimPrefix (printf "%s/" .Release.Namespace) $publish }}]
  verbs: [list, watch]
{{- end }}
{{- if include "cardea.keepsCertificate" . }}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "cardea.name" . }}-webhook]
  verbs: [get, update]
{{- end }}
{{- end -}}

{{/* A role and its binding to our service account. context, kind, namespace, name, rules */}}
{{- define "cardea.role" -}}
{{- $root := .context -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "cardea.labels" $root | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "cardea.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "cardea.serviceAccount" $root }}
    namespace: {{ $root.Release.Namespace }}
{{- end -}}
