import OpenAI from 'openai';
import type { Clock } from '../../kube/clock.ts';
import { EXERCISE_SYSTEM_PROMPT, type ExerciseTask, taskFor } from './exercise.ts';

/** What a student got with the personal Secret: everything the OpenAI client needs. */
export interface StudentCredentials {
  id: string;
  apiKey: string;
  baseURL: string;
  model: string;
}

/** What one student has done so far. Times are of the client: from sending to the first text, and to the end. */
export interface StudentProgress {
  id: string;
  requests: number;
  answered: number;
  failed: number;
  promptTokens: number;
  completionTokens: number;
  /** Streamed answers: only these have a first text before the end. */
  streamed: number;
  /** Sum over the streamed answers. */
  firstTextMs: number;
  /** Sum over all answers. */
  answerMs: number;
  /** What the student waits for now, or the last error. */
  doing: string;
  lastAnswer: string;
}

export function newProgress(id: string): StudentProgress {
  return {
    id,
    requests: 0,
    answered: 0,
    failed: 0,
    streamed: 0,
    promptTokens: 0,
    completionTokens: 0,
    firstTextMs: 0,
    answerMs: 0,
    doing: 'has a key',
    lastAnswer: '',
  };
}

/** An engine that goes down ends a stream properly, too, but with another reason. */
const COMPLETE: ReadonlySet<string> = new Set(['stop', 'length']);

interface Answer {
  text: string;
  promptTokens: number;
  completionTokens: number;
  /** Undefined for an answer that came as a whole. */
  firstTextMs: number | undefined;
  finishReason: string | null;
}

export interface StudentWork {
  credentials: StudentCredentials;
  progress: StudentProgress;
  /** Position in the class: decides which tasks the student gets. */
  index: number;
  rounds: number;
  /** Pause between two tasks; the first task starts at once. */
  thinkMs: (round: number) => number;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * A student works through the exercise with the plain OpenAI client, every second task streamed. Failures are
 * counted and shown, and the student goes on with the next task. Ends after the rounds or when the signal aborts.
 */
export async function workThroughExercise(work: StudentWork): Promise<void> {
  const { credentials, progress, clock, signal } = work;
  const client = new OpenAI({ apiKey: credentials.apiKey, baseURL: credentials.baseURL });
  for (let round = 0; round < work.rounds && !signal.aborted; round += 1) {
    if (round > 0) {
      progress.doing = 'reads the answer';
      await clock.sleep(work.thinkMs(round), signal).catch(() => undefined);
      // The only failure of a sleep is the signal; the loop's own condition ends the work.
      if (signal.aborted) return;
    }
    await ask(client, work, taskFor(work.index, round), (work.index + round) % 2 === 0);
  }
  if (!signal.aborted) {
    progress.doing = progress.failed === 0 ? 'done' : progress.doing;
  }
}

async function ask(client: OpenAI, work: StudentWork, task: ExerciseTask, streamed: boolean): Promise<void> {
  const { progress, clock, signal } = work;
  progress.requests += 1;
  progress.doing = `asks: ${task.title}`;
  const startedMs = clock.monotonic();
  try {
    const answer = streamed
      ? await askStreamed(client, work, task, startedMs)
      : await askWhole(client, work, task);
    if (answer.text === '') throw new Error('the answer was empty');
    if (!COMPLETE.has(answer.finishReason ?? ''))
      throw new Error(`the answer ended with ${answer.finishReason}`);
    progress.answered += 1;
    progress.promptTokens += answer.promptTokens;
    progress.completionTokens += answer.completionTokens;
    if (answer.firstTextMs !== undefined) {
      progress.streamed += 1;
      progress.firstTextMs += answer.firstTextMs;
    }
    progress.answerMs += clock.monotonic() - startedMs;
    progress.lastAnswer = answer.text;
    progress.doing = `has ${task.title}`;
  } catch (error) {
    if (signal.aborted) {
      progress.requests -= 1;
      return;
    }
    progress.failed += 1;
    progress.doing = `failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function messagesOf(task: ExerciseTask): OpenAI.Chat.ChatCompletionMessageParam[] {
  return [
    { role: 'system', content: EXERCISE_SYSTEM_PROMPT },
    { role: 'user', content: task.prompt },
  ];
}

async function askWhole(client: OpenAI, work: StudentWork, task: ExerciseTask): Promise<Answer> {
  const completion = await client.chat.completions.create(
    { model: work.credentials.model, messages: messagesOf(task), max_tokens: 160 },
    { signal: work.signal },
  );
  return {
    text: completion.choices[0]?.message.content ?? '',
    promptTokens: completion.usage?.prompt_tokens ?? 0,
    completionTokens: completion.usage?.completion_tokens ?? 0,
    firstTextMs: undefined,
    finishReason: completion.choices[0]?.finish_reason ?? null,
  };
}

async function askStreamed(
  client: OpenAI,
  work: StudentWork,
  task: ExerciseTask,
  startedMs: number,
): Promise<Answer> {
  const stream = await client.chat.completions.create(
    {
      model: work.credentials.model,
      messages: messagesOf(task),
      max_tokens: 160,
      stream: true,
      stream_options: { include_usage: true },
    },
    { signal: work.signal },
  );
  const answer: Answer = {
    text: '',
    promptTokens: 0,
    completionTokens: 0,
    firstTextMs: undefined,
    finishReason: null,
  };
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta.content ?? '';
    if (text !== '') answer.firstTextMs ??= work.clock.monotonic() - startedMs;
    answer.text += text;
    answer.finishReason = chunk.choices[0]?.finish_reason ?? answer.finishReason;
    answer.promptTokens = chunk.usage?.prompt_tokens ?? answer.promptTokens;
    answer.completionTokens = chunk.usage?.completion_tokens ?? answer.completionTokens;
  }
  return answer;
}
