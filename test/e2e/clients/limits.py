"""Meets a limit by the minute and one of the day with the official client, and prints what happened as one JSON object."""

import json
import os
import sys

import openai
from openai import OpenAI

MESSAGES = [{"role": "user", "content": "Hello"}]


def ask(client: OpenAI):
    return client.chat.completions.with_raw_response.create(model="qwen", messages=MESSAGES, max_tokens=1)


def exhaust(client: OpenAI) -> dict:
    impatient = client.with_options(max_retries=0)
    try:
        while True:
            ask(impatient)
    except openai.RateLimitError as error:
        return {"code": error.code, "type": error.type, "retryAfter": error.response.headers["retry-after"]}


def main() -> None:
    minute = OpenAI(base_url=os.environ["MINUTE"] + "/v1", max_retries=5)
    refused = exhaust(minute)
    answer = ask(minute)

    day = OpenAI(base_url=os.environ["DAY"] + "/v1", max_retries=5)
    spent = exhaust(day)
    try:
        ask(day)
        again = None
    except openai.RateLimitError as error:
        again = error.code

    json.dump(
        {
            "refused": refused,
            "retries": answer.retries_taken,
            "answered": answer.parse().choices[0].message.content,
            "spent": spent,
            "again": again,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
