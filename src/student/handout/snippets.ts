import { SECRET_KEYS } from '../secret.ts';

const { apiKey, baseURL, model } = SECRET_KEYS;

/** How the settings of a `.env` file get into a terminal. */
export const LOAD_SETTINGS = {
  shell: 'set -a; . ./.env; set +a',
  powerShell: `Get-Content .env | ForEach-Object { $n, $v = $_ -split '=', 2; Set-Item "env:$n" $v }`,
} as const;

/**
 * First programs of a student. They hold no key and are the same for everybody: OpenAI's clients read key and address
 * from the environment.
 *
 * @see https://github.com/openai/openai-python
 * @see https://github.com/openai/openai-node
 */
export function snippets(question: string): {
  readonly python: string;
  readonly node: string;
  readonly curl: string;
} {
  const text = JSON.stringify(question);
  return {
    python: [
      '# pip install openai',
      'import os',
      'from openai import OpenAI',
      '',
      'client = OpenAI()',
      'answer = client.chat.completions.create(',
      `    model=os.environ["${model}"],`,
      '    messages=[{',
      '        "role": "user",',
      `        "content": ${text},`,
      '    }],',
      ')',
      'print(answer.choices[0].message.content)',
      '',
    ].join('\n'),
    node: [
      '// npm install openai',
      "import OpenAI from 'openai';",
      '',
      'const client = new OpenAI();',
      'const { choices } =',
      '  await client.chat.completions.create({',
      `    model: process.env.${model},`,
      '    messages: [{',
      "      role: 'user',",
      `      content: ${text},`,
      '    }],',
      '  });',
      'console.log(choices[0].message.content);',
      '',
    ].join('\n'),
    curl: [
      `curl -sS "$${baseURL}/chat/completions" \\`,
      `  -H "Authorization: Bearer $${apiKey}" \\`,
      '  -H "Content-Type: application/json" \\',
      `  -d '{"model": "'"$${model}"'", "messages": [`,
      `        {"role": "user", "content": ${text.replaceAll("'", "'\\''")}}]}'`,
      '',
    ].join('\n'),
  };
}
