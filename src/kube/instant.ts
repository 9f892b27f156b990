/**
 * Epoch ms as the API server keeps instants: RFC 3339 to the second, rounded down
 * (https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#Time).
 */
export function instantOf(epochMs: number): string {
  return new Date(Math.floor(epochMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
