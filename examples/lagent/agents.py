"""Real agents of Lagent 0.2.2 on Toolgate's tools, with scripted models: exits non-zero when one fails."""
import json
import os

from lagent.actions import ActionExecutor
from lagent.agents import Internlm2Agent, ReAct
from lagent.agents.internlm2_agent import Internlm2Protocol
from lagent.schema import ActionStatusCode

from toolgate_actions import toolgate_actions

gateway = os.environ.get("TOOLGATE_URL", "http://127.0.0.1:8642")
executor = ActionExecutor(toolgate_actions(gateway, os.environ.get("TOOLGATE_KEY")))
sum_of = {"expression": "6 * 7"}


class Script:
    """A model that calls the calculator and, having read the result, answers with it."""

    def __init__(self, call, result_of):
        self.call, self.result_of = call, result_of

    def chat(self, messages, **_):
        result = self.result_of(messages[-1])
        return self.call if result is None else f"Final Answer: {result}"


def after_response(message):
    text = message["content"]
    return text.removeprefix("Response:").strip() if text.startswith("Response:") else None


def after_environment(message):
    return message["content"] if message["role"] == "environment" else None


react = ReAct(
    llm=Script(
        f"Thought: a sum\nAction: calculator\nAction Input: {json.dumps(sum_of)}", after_response
    ),
    action_executor=executor,
)
assert "42" in react.chat("What is 6 times 7?").response

plugin = json.dumps({"name": "calculator", "parameters": sum_of})
internlm2 = Internlm2Agent(
    llm=Script(f"A sum.<|action_start|><|plugin|>\n{plugin}<|action_end|>\n", after_environment),
    plugin_executor=executor,
    protocol=Internlm2Protocol(),
)
assert "42" in internlm2.chat("What is 6 times 7?").response

wrong = executor("calculator", '{"expression": "6 *"}')
assert wrong.state == ActionStatusCode.ARGS_ERROR, wrong
assert wrong.errmsg.startswith("TG_EXPRESSION"), wrong
print(f"ReAct and Internlm2Agent work on {len(executor.get_actions_info())} functions")
