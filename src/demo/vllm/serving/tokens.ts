import { readJson } from '../http/body.ts';
import type { Exchange } from '../http/exchange.ts';
import { detokenizeRequestSchema, tokenizeRequestSchema } from '../http/request-schemas.ts';
import { decode, encode, encodeChat, tokenName } from '../text/tokenizer.ts';
import type { ServingContext } from './context.ts';
import { toChatMessages } from './prepare.ts';

/** `POST /tokenize`: messages win over a prompt; there is no limit. */
export async function tokenize(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, tokenizeRequestSchema);
  context.models.resolve(body.model);
  const tokens = body.messages
    ? encodeChat(toChatMessages(body.messages, context.models.baseName))
    : encode(body.prompt ?? '');
  exchange.json(200, {
    count: tokens.length,
    max_model_len: context.plan.maxModelLen,
    tokens,
    token_strs: body.return_token_strs ? tokens.map(tokenName) : null,
  });
}

/** `POST /detokenize`: ids outside the vocabulary are no text. */
export async function detokenize(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, detokenizeRequestSchema);
  context.models.resolve(body.model);
  exchange.json(200, { prompt: decode(body.tokens) });
}
