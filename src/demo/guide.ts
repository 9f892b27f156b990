import type { StudentCredentials } from './class/students.ts';

export interface Place {
  /** Folders of a kubectl and a Helm that fit the cluster, and of the plugin; the same one may be there twice. */
  programFolders: readonly string[];
  kubeconfigPath: string;
  baseURL: string;
}

/** How to look at the cluster with kubectl. */
export function clusterGuide(place: Place): string {
  return [
    'Look around in another terminal:',
    '',
    exportLine(place),
    '  kubectl get classrooms,studentquotas,pods --all-namespaces',
    '',
    `The gateway: ${place.baseURL}`,
  ].join('\n');
}

/** How to install the product in a cluster that has only nodes; run in the checkout. */
export function emptyClusterGuide(place: Place): string {
  const { port } = new URL(place.baseURL);
  return [
    'Nothing of ours is there yet. Install it, in another terminal, in this folder:',
    '',
    exportLine(place),
    '  helm install gpu-classroom charts/gpu-classroom -n gpu-classroom --create-namespace --wait \\',
    `    --set gateway.service.type=LoadBalancer --set gateway.service.port=${port} \\`,
    `    --set gateway.baseURL=${place.baseURL}`,
    '',
    'What Helm then says goes on from there.',
  ].join('\n');
}

function exportLine({ programFolders, kubeconfigPath }: Place): string {
  const path = [...new Set(programFolders), '$PATH'].join(':');
  return `  export KUBECONFIG=${kubeconfigPath} PATH=${path}`;
}

/** How to ask the class as one of its students, with curl and with Python. */
export function studentGuide({ baseURL, apiKey, model, id }: StudentCredentials): string {
  const body = JSON.stringify({
    model,
    messages: [{ role: 'user', content: 'Write hello world in Python.' }],
  });
  return [
    `Ask as ${id}:`,
    '',
    `  export OPENAI_BASE_URL=${baseURL} OPENAI_API_KEY=${apiKey}`,
    '  curl $OPENAI_BASE_URL/models -H "Authorization: Bearer $OPENAI_API_KEY"',
    `  curl $OPENAI_BASE_URL/chat/completions -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' -d '${body}'`,
    '',
    '  from openai import OpenAI',
    `  answer = OpenAI().chat.completions.create(model="${model}", messages=[{"role": "user", "content": "Hello"}])`,
    '  print(answer.choices[0].message.content)',
  ].join('\n');
}
