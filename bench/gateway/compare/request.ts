import type { Target } from './contender.ts';

const MESSAGES = [
  { role: 'system', content: 'You help students to learn Python. Answer briefly.' },
  { role: 'user', content: 'Write a function that adds two numbers, with a doc string and a test.' },
];

/** One request for an answer in one piece, with the headers of this turn. */
export function answerRequest(target: Target, turn: number): string {
  return requestText(target, turn, { model: target.model, max_tokens: 200, messages: MESSAGES });
}

/** One request for a stream. */
export function streamRequest(target: Target, turn: number): string {
  const body = { model: target.model, max_tokens: 1000, stream: true, messages: MESSAGES };
  return requestText(target, turn, body);
}

function requestText({ host, port, path, headers }: Target, turn: number, body: object): string {
  const text = JSON.stringify(body);
  const own = Object.entries(headers[turn % headers.length] ?? {}).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `POST ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-type: application/json\r\n${own.join('')}content-length: ${text.length}\r\n\r\n${text}`;
}
