"""Calls every endpoint with the official client, and prints what came back, or what was raised, as one JSON object."""

import json
import os
import sys

import openai
from openai import OpenAI
from pydantic import BaseModel

MESSAGES = [{"role": "user", "content": "Write a Python function that adds two numbers."}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tells the weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


class Sum(BaseModel):
    sum: int
    words: str


def at(variable: str) -> OpenAI:
    return OpenAI(base_url=os.environ[variable] + "/v1", max_retries=0)


def chat(client: OpenAI) -> dict:
    answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, max_tokens=20)
    return {"model": answer.model, "tokens": answer.usage.completion_tokens}


def chat_stream(client: OpenAI) -> dict:
    chunks = list(client.chat.completions.create(model="qwen", messages=MESSAGES, max_tokens=20, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return {"text": text, "usages": sum(chunk.usage is not None for chunk in chunks)}


def schema(client: OpenAI) -> dict:
    answer = client.chat.completions.parse(model="qwen", messages=MESSAGES, response_format=Sum)
    return {"parsed": isinstance(answer.choices[0].message.parsed, Sum)}


def tools(client: OpenAI) -> dict:
    with client.chat.completions.stream(model="qwen", messages=MESSAGES, tools=TOOLS) as stream:
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    return {"name": call.function.name, "arguments": json.loads(call.function.arguments)}


def completions(client: OpenAI) -> dict:
    answer = client.completions.create(model="qwen", prompt="def add(", max_tokens=8)
    return {"tokens": answer.usage.completion_tokens}


def responses(client: OpenAI) -> dict:
    answer = client.responses.create(model="qwen", input="Say hello.", max_output_tokens=16)
    events = list(client.responses.create(model="qwen", input="Say hello.", max_output_tokens=16, stream=True))
    return {"text": answer.output_text, "last": events[-1].type}


def embeddings(client: OpenAI) -> dict:
    answer = client.embeddings.create(model="qwen", input=["a", "b"])
    return {"vectors": len(answer.data), "numbers": len(answer.data[0].embedding) > 0}


def raised(call) -> dict:
    try:
        call()
    except openai.APIError as error:
        return {
            "class": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "code": error.code,
            "param": error.param,
        }
    return {"class": None}


def main() -> None:
    client = at("ENGINE")
    create = client.chat.completions.create
    stranger = OpenAI(base_url=os.environ["ENGINE"] + "/v1", api_key="sk-somebody", max_retries=0)
    json.dump(
        {
            "chat": chat(client),
            "chat stream": chat_stream(client),
            "schema": schema(client),
            "tools": tools(at("TOOLS")),
            "completions": completions(client),
            "responses": responses(client),
            "embeddings": embeddings(at("EMBEDDER")),
            "models": [model.id for model in client.models.list()],
            "wrong key": raised(stranger.models.list),
            "wrong model": raised(lambda: create(model="gpt-5", messages=MESSAGES)),
            "wrong field": raised(lambda: create(model="qwen", messages=MESSAGES, temperature=9)),
            "wrong part": raised(
                lambda: create(model="qwen", messages=[{"role": "user", "content": [{"type": "video_url"}]}])
            ),
            "too long": raised(lambda: create(model="qwen", messages=[{"role": "user", "content": "word " * 9000}])),
            "broken stream": raised(
                lambda: list(at("BREAKING").chat.completions.create(model="qwen", messages=MESSAGES, stream=True))
            ),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
