"""LangChain's chat model against Toolgate; its own tools come back to it.

pip install langchain-openai && python examples/llm/langchain_chat.py
"""

import os

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


@tool
def calculator(expression: str) -> str:
    """Works out an arithmetic expression."""
    return str(eval(expression, {"__builtins__": {}}))  # noqa: S307 - an example with its own input


base = os.environ.get("TOOLGATE_URL", "http://127.0.0.1:8642") + "/v1"
model = ChatOpenAI(
    base_url=base,
    api_key=os.environ.get("TOOLGATE_KEY", "none"),
    model=os.environ.get("MODEL", "toolgate-dev"),
)
message = model.bind_tools([calculator]).invoke("What is 12 * (3 + 4)?")
[call] = message.tool_calls
print(call["name"], call["args"])
assert calculator.invoke(call["args"]) == "84"
