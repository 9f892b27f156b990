/**
 * Epoch ms as a Kubernetes `MicroTime`: RFC 3339 with exactly six fractional digits, the only form the API server
 * parses (https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#MicroTime).
 */
export function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}
