"""An agent of the OpenAI Agents SDK: model and tools from Toolgate; exits non-zero when it does not work.

Needs a node behind the gateway: `toolgate dev-llm` is enough.
"""
import asyncio
import os

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStreamableHttp
from openai import AsyncOpenAI

gateway = os.environ.get("TOOLGATE_URL", "http://127.0.0.1:8642")
key = os.environ.get("TOOLGATE_KEY")
set_tracing_disabled(True)


async def main():
    llm = AsyncOpenAI(base_url=f"{gateway}/v1", api_key=key or "none")
    model = (await llm.models.list()).data[0].id
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with MCPServerStreamableHttp(
        # Its own limit is 5 s, and an upstream may take longer.
        {"url": f"{gateway}/mcp", "headers": headers},
        client_session_timeout_seconds=60,
    ) as toolgate:
        agent = Agent(
            name="Assistant",
            model=OpenAIChatCompletionsModel(model=model, openai_client=llm),
            mcp_servers=[toolgate],
        )
        result = await Runner.run(agent, "What is 6 * 7?")
        outputs = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
        assert len(outputs) == 1 and "42" in str(outputs[0]), outputs
        assert "42" in result.final_output, result.final_output
        tools = len(await toolgate.list_tools())
    print(f"OpenAI Agents works on {tools} tools with {model}")


asyncio.run(main())
