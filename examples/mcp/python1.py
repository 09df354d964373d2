"""Python's mcp 1 and LangChain's adapters on Toolgate: exits non-zero when they do not work."""
import asyncio
import os

from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

url = f"{os.environ.get('TOOLGATE_URL', 'http://127.0.0.1:8642')}/mcp"
key = os.environ.get("TOOLGATE_KEY")
headers = {"Authorization": f"Bearer {key}"} if key else None


async def sdk():
    async with streamablehttp_client(url, headers=headers) as (read, write, _):
        async with ClientSession(read, write) as session:
            agreed = await session.initialize()
            assert agreed.protocolVersion == "2025-11-25", agreed
            assert "calculator" in {tool.name for tool in (await session.list_tools()).tools}
            result = await session.call_tool("calculator", {"expression": "6 * 7"})
            assert result.content[0].text == "42", result
            assert result.structuredContent["result"] == "42", result
            failed = await session.call_tool("calculator", {"expresion": "1"})
            assert failed.isError and "did you mean" in failed.content[0].text, failed


async def langchain():
    server = {"transport": "streamable_http", "url": url, **({"headers": headers} if headers else {})}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"t": server}).get_tools()}
    answer = await tools["calculator"].ainvoke({"expression": "6 * 7"})
    assert answer[0]["text"] == "42", answer
    return len(tools)


asyncio.run(sdk())
print(f"mcp 1 and LangChain work on {asyncio.run(langchain())} tools")
