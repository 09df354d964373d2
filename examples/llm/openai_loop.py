"""One request: the model thinks, the gateway runs the tools, the answer comes back.

pip install openai && TOOLGATE_URL=http://127.0.0.1:8642 python examples/llm/openai_loop.py
"""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("TOOLGATE_URL", "http://127.0.0.1:8642") + "/v1",
    api_key=os.environ.get("TOOLGATE_KEY", "none"),
)
model = os.environ.get("MODEL") or client.models.list().data[0].id
completion = client.chat.completions.create(
    model=model,
    messages=[{"role": "user", "content": "What is 12 * (3 + 4)?"}],
    extra_body={"toolgate": {"tools": ["calculator"]}},
)
report = completion.model_extra["toolgate"]
for step in report["steps"]:
    print(step["phase"], step["tool"], step.get("text", step.get("arguments")))
answer = completion.choices[0].message.content
print(answer)
assert "84" in answer
assert [step["phase"] for step in report["steps"]] == ["call", "result"]
