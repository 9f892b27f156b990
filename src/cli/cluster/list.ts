import type { KubeClient, ListOptions } from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';

/** As kubectl's `--chunk-size`. */
const PAGE_SIZE = 500;

/** All objects of a kind, page by page. Without a namespace: of all namespaces. */
export async function listAll<T extends KubeObject>(
  client: Pick<KubeClient, 'list'>,
  resource: Resource<T>,
  options: Omit<ListOptions, 'limit' | 'continue'> = {},
): Promise<T[]> {
  const objects: T[] = [];
  let page = await client.list(resource, { ...options, limit: PAGE_SIZE });
  objects.push(...page.items);
  while (page.metadata.continue) {
    page = await client.list(resource, { ...options, limit: PAGE_SIZE, continue: page.metadata.continue });
    objects.push(...page.items);
  }
  return objects;
}
