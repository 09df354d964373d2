"""Agents of the newest Lagent on Toolgate's tools, with scripted models: exits non-zero when one fails."""
import json
import os

from lagent.agents.react import ReAct
from lagent.agents.stream import PLUGIN_CN, AgentForInternLM, get_plugin_prompt
from lagent.prompts.parsers import JSONParser, PluginParser
from lagent.prompts.prompt_template import PromptTemplate
from pydantic import BaseModel

from toolgate_actions import toolgate_actions

gateway = os.environ.get("TOOLGATE_URL", "http://127.0.0.1:8642")
key = os.environ.get("TOOLGATE_KEY")
call = {"name": "calculator", "parameters": {"expression": "6 * 7"}}


class Script:
    """A model that calls a tool and, having read the result, answers with it."""

    def __init__(self, first, then):
        self.first, self.then = first, then

    def chat(self, messages, **_):
        said = str(messages[-1]["content"])
        return self.then(said) if said == "42" else self.first


class Action(BaseModel):
    thought_process: str
    action: dict


class Finish(BaseModel):
    thought_process: str
    conclusion: str


react = ReAct(
    llm=Script(
        json.dumps({"thought_process": "a sum", "action": call}),
        lambda said: json.dumps({"thought_process": "done", "conclusion": said}),
    ),
    template=PromptTemplate("{action_info}\n{output_format}"),
    output_format=JSONParser(
        "{function_format}\n{finish_format}", function_format=Action, finish_format=Finish
    ),
    actions=toolgate_actions(gateway, key),
)
assert react("What is 6 times 7?").formatted["conclusion"] == "42"

plugins = toolgate_actions(gateway, key)
internlm = AgentForInternLM(
    llm=Script(
        f"A sum.<|action_start|><|plugin|>\n{json.dumps(call)}<|action_end|>\n",
        lambda said: f"It is {said}.",
    ),
    plugins=plugins,
    output_format={
        "type": PluginParser,
        "template": PLUGIN_CN,
        "prompt": get_plugin_prompt(plugins),
    },
)
assert internlm("What is 6 times 7?").content == "It is 42."

wrong = react.actions.forward("calculator", {"expression": "6 *"})
assert wrong.state == -1001 and wrong.errmsg.startswith("TG_EXPRESSION"), wrong
print(f"ReAct and AgentForInternLM work on {len(react.actions.description())} functions")
