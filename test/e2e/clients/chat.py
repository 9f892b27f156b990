"""Asks the class twice as a student would, whole and streamed, and prints what came back as one JSON object."""

import json
import os
import sys

from openai import OpenAI


def main() -> None:
    client = OpenAI()  # OPENAI_API_KEY and OPENAI_BASE_URL, as they are in the student's Secret
    model = os.environ["OPENAI_MODEL"]
    messages = [{"role": "user", "content": "Write a Python function that adds two numbers."}]

    whole = client.chat.completions.create(model=model, messages=messages, max_tokens=48)

    streamed_text, streamed_usage = "", None
    stream = client.chat.completions.create(
        model=model, messages=messages, max_tokens=48, stream=True, stream_options={"include_usage": True}
    )
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            streamed_text += chunk.choices[0].delta.content
        if chunk.usage:
            streamed_usage = chunk.usage.completion_tokens

    json.dump(
        {
            "models": [model.id for model in client.models.list()],
            "wholeText": whole.choices[0].message.content,
            "wholeTokens": whole.usage.completion_tokens,
            "streamedText": streamed_text,
            "streamedTokens": streamed_usage,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
