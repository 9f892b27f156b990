import { connect } from 'node:net';

/** Everything that clients do, well-behaved or not. */
export const BEHAVIOURS = [
  'whole',
  'stream',
  'leave',
  'reset',
  'half-close',
  'read slowly',
  'leave before the first byte',
  'ask nonsense',
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export interface SoakRequest {
  readonly port: number;
  readonly key: string;
  readonly behaviour: Behaviour;
}

const PAUSE_MS = 300;
const BEFORE_FIRST_BYTE_MS = 5;

/** Sends one request on a connection of its own. @returns what came, or why nothing did; never rejects */
export function behave({ port, key, behaviour }: SoakRequest): Promise<string> {
  const body = JSON.stringify({
    model: behaviour === 'ask nonsense' ? 'nonsense' : 'qwen',
    stream: behaviour !== 'whole',
    max_tokens: 64,
    messages: [{ role: 'user', content: `Count to ten. ${behaviour}` }],
  });
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    const timers: NodeJS.Timeout[] = [];
    socket.once('close', () => {
      for (const timer of timers) clearTimeout(timer);
      resolve(text.slice(9, 12) || 'nothing');
    });
    socket.on('error', () => {});
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const streaming = text.includes('"content":"');
      if (behaviour === 'leave' && streaming) socket.destroy();
      if (behaviour === 'reset' && streaming) socket.resetAndDestroy();
      if (behaviour === 'half-close' && streaming) socket.end();
      if (behaviour === 'read slowly' && streaming && timers.length === 0) {
        socket.pause();
        timers.push(setTimeout(() => socket.resume(), PAUSE_MS));
      }
    });
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    if (behaviour === 'leave before the first byte') {
      timers.push(setTimeout(() => socket.destroy(), BEFORE_FIRST_BYTE_MS));
    }
  });
}
