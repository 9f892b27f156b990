import type { StudentCredentials } from './class/students.ts';

export interface Place {
  /** Folder of a kubectl that fits the cluster. */
  kubectlFolder: string;
  kubeconfigPath: string;
  baseURL: string;
}

/** How to look at the cluster with kubectl. */
export function clusterGuide({ kubectlFolder, kubeconfigPath, baseURL }: Place): string {
  return [
    'Look around in another terminal:',
    '',
    `  export KUBECONFIG=${kubeconfigPath} PATH=${kubectlFolder}:$PATH`,
    '  kubectl get classrooms,studentquotas,pods --all-namespaces',
    '',
    `The gateway: ${baseURL}`,
  ].join('\n');
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
