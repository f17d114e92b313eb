{{/* Flags of `cardea serve` that follow from values. One that says the binary's default is left out. */}}

{{- define "cardea.flags" -}}
{{- /* A volume belongs to root; what is trusted at the next start lies in a folder that the process makes, for itself alone. */}}
- --module-cache=/var/cache/cardea/modules/own
- --module-cache-bytes-max={{ .Values.moduleCache.fetchedMax }}
- --snapshot=/var/cache/cardea/snapshot/own
- --lease-name={{ include "cardea.name" . }}
{{- with .Values.namespace }}
- --namespace={{ . }}
{{- end }}
{{- if .Values.ingressClass.only }}
- --ingress-class={{ .Values.ingressClass.name }}
{{- end }}
- --controller-name={{ .Values.controllerName }}
{{- if .Values.watchIngressWithoutClass }}
- --watch-ingress-without-class
{{- end }}
{{- if .Values.allowExternalName }}
- --allow-external-name
{{- end }}
{{- range .Values.publish.addresses }}
- --publish-address={{ . }}
{{- end }}
{{- if .Values.publish.nodeAddresses }}
- --publish-node-addresses
{{- end }}
{{- with include "cardea.publishService" . }}
- --publish-service={{ . }}
{{- end }}
{{- with .Values.registry.mirrors }}
- --registry-mirrors={{ join "," . }}
{{- end }}
{{- with .Values.registry.insecure }}
- --registry-insecure={{ join "," . }}
{{- end }}
{{- if .Values.registry.caConfigMap }}
- --registry-ca=/etc/cardea/registry-ca/ca.crt
{{- end }}
{{- if .Values.registry.signaturePolicyConfigMap }}
- --signature-policy=/etc/cardea/signature-policy/policy.yaml
{{- end }}
{{- if .Values.webhook.enabled }}
- --webhook={{ .Values.listen }}:{{ .Values.webhook.port }}
{{- if .Values.webhook.clientCaConfigMap }}
- --webhook-client-ca=/etc/cardea/webhook-clients/ca.crt
{{- end }}
{{- if .Values.webhook.certificateSecret }}
- --webhook-cert=/etc/cardea/webhook/tls.crt
- --webhook-key=/etc/cardea/webhook/tls.key
{{- else }}
- --webhook-service={{ include "cardea.name" . }}-webhook
- --webhook-configuration={{ include "cardea.clusterName" . }}
{{- end }}
{{- end }}
{{- if .Values.proxyProtocol.enabled }}
- --proxy-protocol=on
{{- with .Values.proxyProtocol.from }}
- --proxy-protocol-from={{ join "," . }}
{{- end }}
{{- end }}
{{- with .Values.trustedProxies }}
- --trusted-proxies={{ join "," . }}
{{- end }}
{{- with .Values.debugClients }}
- --debug-clients={{ join "," . }}
{{- end }}
{{- with .Values.workers }}
- --workers={{ . }}
{{- end }}
{{- if ne .Values.accessLog "json" }}
- --access-log={{ .Values.accessLog }}
{{- end }}
- --drain-delay={{ .Values.drainDelaySeconds }}s
- --drain-timeout={{ .Values.drainSeconds }}s
{{- range $flag, $value := .Values.settings }}
- --{{ $flag }}={{ $value }}
{{- end }}
{{- end -}}
