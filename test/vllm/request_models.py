"""Reads bodies of requests by endpoint, and prints what vLLM's own models say: their fields, and what they refuse."""

import importlib
import json
import sys

MODELS = {
    "/v1/chat/completions": ("vllm.entrypoints.openai.chat_completion.protocol", "ChatCompletionRequest"),
    "/v1/completions": ("vllm.entrypoints.openai.completion.protocol", "CompletionRequest"),
    "/v1/responses": ("vllm.entrypoints.openai.responses.protocol", "ResponsesRequest"),
    "/v1/messages": ("vllm.entrypoints.anthropic.protocol", "AnthropicMessagesRequest"),
}


def refusal(model, body: dict) -> str | None:
    try:
        model.model_validate(body)
    except Exception as error:  # whatever it is, the engine would refuse the request with it
        return f"{json.dumps(body)}: {error}"
    return None


def main() -> None:
    bodies = json.load(sys.stdin)
    answer = {}
    for path, (module, name) in MODELS.items():
        model = getattr(importlib.import_module(module), name)
        refusals = [refusal(model, body) for body in bodies[path]]
        answer[path] = {"fields": sorted(model.model_fields), "refusals": [text for text in refusals if text]}
    # vLLM writes warnings to the standard output when it is imported.
    print("\n" + json.dumps(answer))


if __name__ == "__main__":
    main()
