"""AgentLego's own RemoteTool on Toolgate's AgentLego face: exits non-zero when it does not work."""
import os
import re

from agentlego.tools.remote import RemoteTool
from agentlego.types import ImageIO
from lagent.actions import ActionExecutor
from lagent.schema import ActionStatusCode
from PIL import Image, ImageDraw, ImageFont

server = os.environ.get("TOOLGATE_AGENTLEGO_URL", "http://127.0.0.1:16180")

tools = {tool.name: tool for tool in RemoteTool.from_server(server)}
calculator = tools["Calculator"]
assert calculator(expression="6 * 7") == "42"
try:
    calculator(expression="6 *")
except RuntimeError as error:
    assert "TG_EXPRESSION" in str(error), error
else:
    raise AssertionError("a bad sum must fail")
for tool in tools.values():
    assert tool.toolmeta.description and tool.description, tool.name

# A picture goes in, and text in the grammar of AgentLego's OCR comes out.
picture = Image.new("RGB", (480, 160), "white")
font = ImageFont.load_default(size=72)
ImageDraw.Draw(picture).text((40, 30), "HELLO 42", fill="black", font=font)
lines = tools["OCR"](image=ImageIO(picture)).splitlines()
assert any(re.fullmatch(r"\(\d+, \d+, \d+, \d+\) HELLO 42", line) for line in lines), lines

# The import of the WebUI: it keeps the address of each tool, and after a restart has that alone.
imported = {tool.name: tool.url for tool in RemoteTool.from_openapi(server)}
assert set(imported) == set(tools)
assert RemoteTool.from_url(imported["Calculator"])(expression="2 ^ 10") == "1024"

# A client of GTA's tool server: every tool as a Lagent action.
actions = ActionExecutor([tool.to_lagent() for tool in RemoteTool.from_server(server)])
done = actions("Calculator", {"expression": "6 * 7"})
assert done.state == ActionStatusCode.SUCCESS and done.format_result() == "42", done
failed = actions("Calculator", {"expression": "6 *"})
assert failed.state == ActionStatusCode.API_ERROR and "TG_EXPRESSION" in failed.errmsg, failed

print(f"RemoteTool works on {len(tools)} tools")
