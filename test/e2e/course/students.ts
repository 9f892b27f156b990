import OpenAI, { APIError } from 'openai';
import { z } from 'zod';
import type { StudentCredentials } from '../../../src/demo/class/students.ts';

/** What came of one request of a student. */
export type Answer =
  | {
      readonly kind: 'answered';
      readonly promptTokens: number;
      readonly completionTokens: number;
      readonly cap: string | null;
    }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: string | undefined;
      readonly message: string;
    };

export interface Question {
  readonly text: string;
  readonly maxTokens?: number;
  /** Whether the answer goes on to `maxTokens`. */
  readonly isEndless?: boolean;
  readonly tools?: OpenAI.Chat.ChatCompletionTool[];
}

/** A stream that is open. */
export interface OpenStream {
  /** Heartbeats that came before the first words. */
  readonly heartbeats: number;
  /** Reads on to the end. */
  rest(): Promise<Answer>;
  /** Reads until so many pieces came in all, or the connection broke. */
  pieces(count: number): Promise<number>;
}

const usageSchema = z.object({
  open_until: z.int().nullable(),
  boost: z.object({ factor: z.number(), until: z.int() }).nullable(),
  max_output_tokens: z.int(),
  limits: z.array(z.object({ name: z.string(), limit: z.number() })),
  total: z.object({
    requests: z.int(),
    completed: z.int(),
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
  }),
});
export type Usage = z.infer<typeof usageSchema>;

/** A student with the plain OpenAI client. */
export interface Student {
  readonly id: string;
  ask(question: Question): Promise<Answer>;
  /** Resolves at the first words, or when the connection broke before. @param onHeartbeat with their number so far */
  stream(question: Question, onHeartbeat?: (count: number) => void): Promise<OpenStream>;
  /** What `GET /v1/usage` says. */
  usage(): Promise<Usage>;
}

/** Tries again as the client does anyway, and as often as a gateway needs to come back. */
const RETRIES = 10;

/** @param gatewayUp resolves when there is a gateway, for what does not try again by itself */
export function studentWith(
  { id, apiKey, baseURL, model }: StudentCredentials,
  gatewayUp: () => Promise<void>,
): Student {
  const client = new OpenAI({ apiKey, baseURL, maxRetries: RETRIES });
  const bodyOf = ({ text, maxTokens = 48, isEndless = false, tools }: Question) => ({
    model,
    // The same question has the same answer.
    temperature: 0,
    max_tokens: maxTokens,
    // An extension of vLLM.
    ignore_eos: isEndless,
    messages: [{ role: 'user' as const, content: text }],
    ...(tools && { tools }),
  });
  return {
    id,
    async ask(question) {
      try {
        const { data, response } = await client.chat.completions.create(bodyOf(question)).withResponse();
        return answered(data.usage, response.headers.get('x-gateway-max-output-tokens'));
      } catch (error) {
        return refused(error);
      }
    },
    async stream(question, onHeartbeat) {
      let heartbeats = 0;
      const hear = (text: string): void => {
        for (const line of text.split('\n')) {
          if (!line.startsWith(':')) continue;
          heartbeats += 1;
          onHeartbeat?.(heartbeats);
        }
      };
      const streaming = new OpenAI({
        ...{ apiKey, baseURL, maxRetries: RETRIES },
        fetch: async (input, init) => {
          const response = await fetch(input, init);
          return new Response(response.body?.pipeThrough(heard(hear)), response);
        },
      });
      const body = { ...bodyOf(question), stream: true as const, stream_options: { include_usage: true } };
      const chunks = (await streaming.chat.completions.create(body))[Symbol.asyncIterator]();
      let usage: OpenAI.CompletionUsage | undefined;
      let broken: unknown;
      let count = 0;
      const next = async (): Promise<boolean> => {
        if (broken !== undefined) return false;
        try {
          const { done, value } = await chunks.next();
          usage = value?.usage ?? usage;
          count += 1;
          return done !== true;
        } catch (error) {
          broken = error;
          return false;
        }
      };
      await next();
      return {
        get heartbeats() {
          return heartbeats;
        },
        async rest() {
          while (await next());
          return broken === undefined ? answered(usage, null) : refused(broken);
        },
        async pieces(wanted) {
          while (count < wanted && (await next()));
          return count;
        },
      };
    },
    async usage() {
      await gatewayUp();
      const response = await fetch(`${baseURL}/usage`, { headers: { authorization: `Bearer ${apiKey}` } });
      return usageSchema.parse(await response.json());
    },
  };
}

function answered(usage: OpenAI.CompletionUsage | undefined, cap: string | null): Answer {
  if (usage === undefined) throw new Error('an answer came without usage');
  return {
    kind: 'answered',
    promptTokens: usage.prompt_tokens,
    completionTokens: usage.completion_tokens,
    cap,
  };
}

function refused(error: unknown): Answer {
  if (error instanceof APIError) {
    const { status = 0, code, message } = error;
    return { kind: 'refused', status, code: code ?? undefined, message };
  }
  // A connection that breaks in the middle of a stream is no error of the client's own.
  return { kind: 'refused', status: 0, code: undefined, message: String(error) };
}

function heard(onText: (text: string) => void): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  return new TransformStream({
    transform(chunk, controller) {
      onText(decoder.decode(chunk, { stream: true }));
      controller.enqueue(chunk);
    },
  });
}
