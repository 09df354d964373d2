"""AgentLego's own RemoteTool on Toolgate's AgentLego face: exits non-zero when it does not work."""
import os

from agentlego.tools.remote import RemoteTool

server = os.environ.get("TOOLGATE_AGENTLEGO_URL", "http://127.0.0.1:16180")

tools = {tool.name: tool for tool in RemoteTool.from_server(server)}
assert set(tools) == {tool.name for tool in RemoteTool.from_openapi(server)}

calculator = tools["Calculator"]
assert calculator(expression="6 * 7") == "42"
assert RemoteTool.from_url(f"{server}/Calculator")(expression="2 ^ 10") == "1024"

try:
    calculator(expression="6 *")
except RuntimeError as error:
    assert "TG_EXPRESSION" in str(error), error
else:
    raise AssertionError("a bad sum must fail")

for tool in tools.values():
    assert tool.toolmeta.description and tool.description, tool.name

print(f"RemoteTool works on {len(tools)} tools")
