"""Python's mcp 2 on Toolgate, over 2026-07-28: exits non-zero when it does not work."""
import asyncio
import os

from mcp import Client

url = f"{os.environ.get('TOOLGATE_URL', 'http://127.0.0.1:8642')}/mcp"


async def main():
    async with Client(url) as client:
        assert client.protocol_version == "2026-07-28", client.protocol_version
        tools = (await client.list_tools()).tools
        result = await client.call_tool("calculator", {"expression": "6 * 7"})
        assert result.content[0].text == "42" and result.structured_content["result"] == "42", result
        failed = await client.call_tool("calculator", {"expression": "6 *"})
        assert failed.is_error and failed.content[0].text.startswith("TG_EXPRESSION"), failed
        print(f"mcp 2 works on {len(tools)} tools")


asyncio.run(main())
