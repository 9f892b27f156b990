import { readJson } from '../http/body.ts';
import { errors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { type CompletionRequest, completionRequestSchema } from '../http/request-schemas.ts';
import { decode, encode } from '../text/tokenizer.ts';
import type { ServingContext } from './context.ts';
import { answerWhole, EventStream } from './delivery.ts';
import { type Choice, Generation, type PreparedGeneration } from './generation.ts';
import { completionLogprobs } from './logprobs.ts';
import { checkCharacters, prepareGeneration } from './prepare.ts';
import { requestId } from './request-id.ts';
import { chunkUsageJson, finalUsageJson, usageMode, usageObject } from './usage.ts';

/** vLLM's default where a completion does not say; a chat runs to the end of the context. */
const DEFAULT_MAX_TOKENS = 16;

type Prompt = string | readonly number[];

function promptList(prompt: CompletionRequest['prompt']): readonly Prompt[] {
  if (prompt === undefined || prompt === null || prompt.length === 0) throw errors.emptyPrompt();
  if (typeof prompt === 'string') return [prompt];
  const texts = prompt.filter((each) => typeof each === 'string');
  if (texts.length === prompt.length) return texts;
  const lists = prompt.filter((each) => Array.isArray(each));
  return lists.length === prompt.length ? lists : [prompt.filter((each) => typeof each === 'number')];
}

function prepare(context: ServingContext, exchange: Exchange, body: CompletionRequest): PreparedGeneration {
  context.models.resolve(body.model);
  const prompts = promptList(body.prompt);
  const { maxModelLen } = context.plan;
  for (const prompt of prompts) if (typeof prompt === 'string') checkCharacters(prompt.length, maxModelLen);
  if ((body.logprobs ?? 0) > context.options.maxLogprobs) {
    throw errors.logprobsTooMany(body.logprobs ?? 0, context.options.maxLogprobs);
  }
  const texts = prompts.map((prompt) => (typeof prompt === 'string' ? prompt : decode(prompt)));
  const onlyEcho = body.echo === true && body.max_tokens === 0;
  return prepareGeneration(context, body, {
    id: `cmpl-${requestId(context, exchange, body.request_id)}`,
    path: exchange.path,
    prompts: prompts.map((prompt, index) => ({
      tokens: typeof prompt === 'string' ? encode(prompt) : prompt,
      question: texts[index] ?? '',
    })),
    promptText: texts.join('\n'),
    // vLLM makes one token and throws it away.
    maxTokens: onlyEcho ? 1 : (body.max_tokens ?? DEFAULT_MAX_TOKENS),
  });
}

function textOf(choice: Choice, body: CompletionRequest): string {
  const prompt = body.echo ? decode(choice.promptTokens) : '';
  return body.echo && body.max_tokens === 0
    ? prompt
    : prompt + choice.answer.pieces.slice(0, choice.generatedTokens).join('');
}

function choiceObject(choice: Choice, body: CompletionRequest): object {
  const tokens = choice.answer.tokens.slice(0, choice.generatedTokens);
  return {
    index: choice.index,
    text: textOf(choice, body),
    logprobs: typeof body.logprobs === 'number' ? completionLogprobs(tokens, body.logprobs, 0) : null,
    finish_reason: choice.finishReason,
    stop_reason: choice.finishReason === 'abort' ? null : choice.answer.stopReason,
    token_ids: null,
    prompt_logprobs: null,
    prompt_token_ids: null,
    routed_experts: null,
  };
}

async function answer(
  context: ServingContext,
  exchange: Exchange,
  body: CompletionRequest,
  prepared: PreparedGeneration,
): Promise<void> {
  const created = context.nowSeconds();
  const generation = await answerWhole(context, exchange, prepared);
  if (generation === undefined) return;
  exchange.json(200, {
    id: prepared.id,
    object: 'text_completion',
    created,
    model: prepared.modelName,
    choices: prepared.answers.map((_, index) => choiceObject(generation.choice(index), body)),
    service_tier: null,
    system_fingerprint: context.fingerprint,
    usage: usageObject(generation.usage, context.options.promptTokensDetails),
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  });
}

function stream(
  context: ServingContext,
  exchange: Exchange,
  body: CompletionRequest,
  prepared: PreparedGeneration,
): void {
  const events = new EventStream(context, exchange);
  const usage = usageMode(context.options.forceIncludeUsage, body.stream_options);
  const head = `{"id":${JSON.stringify(prepared.id)},"object":"text_completion","created":${context.nowSeconds()},"model":${JSON.stringify(prepared.modelName)},"choices":[`;
  const fingerprint = `,"system_fingerprint":${JSON.stringify(context.fingerprint)}`;
  let open = prepared.answers.length;
  let offset = 0;
  const advanced = (choice: Choice, from: number, to: number): void => {
    const start = events.pendingFrom(choice.index, from);
    if (choice.finishReason === null && events.holdBack(choice.index, start, to)) return;
    const { answer: plan, finishReason } = choice;
    const echoed = body.echo && start === 0 ? decode(choice.promptTokens) : '';
    const text = echoed + (body.echo && body.max_tokens === 0 ? '' : plan.pieces.slice(start, to).join(''));
    const logprobs =
      typeof body.logprobs === 'number'
        ? completionLogprobs(plan.tokens.slice(start, to), body.logprobs, offset)
        : null;
    offset += text.length;
    if (finishReason !== null) open -= 1;
    const stopReason = finishReason === null || finishReason === 'abort' ? null : plan.stopReason;
    const chunkUsage = usage.continuous ? `,"usage":${chunkUsageJson(choice.promptTokens.length, to)}` : '';
    const last = finishReason !== null && open === 0 && !usage.final ? fingerprint : '';
    events.data(
      `${head}{"index":${choice.index},"text":${JSON.stringify(text)},"logprobs":${JSON.stringify(logprobs)},"finish_reason":${JSON.stringify(finishReason)},"stop_reason":${JSON.stringify(stopReason)},"prompt_token_ids":null,"token_ids":null}]${chunkUsage}${last}}`,
    );
  };
  const generation: Generation = new Generation(context, prepared, {
    advanced,
    completed: () => {
      if (usage.final) {
        const counts = finalUsageJson(generation.usage, context.options.promptTokensDetails);
        events.data(`${head}],"usage":${counts}${fingerprint}}`);
      }
      events.done();
    },
    failed: (error) => events.fail(error),
    cut: (how) => events.cut(how),
  });
  events.open(generation);
}

/** `POST /v1/completions`. */
export async function createCompletion(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, completionRequestSchema);
  const prepared = prepare(context, exchange, body);
  if (body.stream) stream(context, exchange, body, prepared);
  else await answer(context, exchange, body, prepared);
}
