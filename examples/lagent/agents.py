"""Real agents of Lagent 0.2.2 on Toolgate's tools, with scripted models: exits non-zero when one fails."""
import json
import os

from lagent.actions import ActionExecutor
from lagent.agents import AutoGPT, Internlm2Agent, ReAct, ReWOO
from lagent.agents.autogpt import AutoGPTProtocol
from lagent.agents.internlm2_agent import Internlm2Protocol
from lagent.schema import ActionStatusCode, AgentStatusCode, ModelStatusCode

from toolgate_actions import toolgate_actions

gateway = os.environ.get("TOOLGATE_URL", "http://127.0.0.1:8642")
actions = toolgate_actions(gateway, os.environ.get("TOOLGATE_KEY"))
executor = ActionExecutor(actions)
sum_of = {"expression": "6 * 7"}


class Script:
    """A model that calls a tool and, having read the result, answers with it."""

    def __init__(self, call, result_of):
        self.call, self.result_of = call, result_of

    def chat(self, messages, **_):
        result = self.result_of(messages)
        return self.call if result is None else f"Final Answer: {result}"

    def stream_chat(self, messages, **_):
        said = self.chat(messages)
        for end in range(8, len(said), 8):
            yield ModelStatusCode.STREAM_ING, said[:end], None
        yield ModelStatusCode.END, said, None


def after_response(messages):
    text = messages[-1]["content"]
    return text.removeprefix("Response:").strip() if text.startswith("Response:") else None


def after_environment(messages):
    return messages[-1]["content"] if messages[-1]["role"] == "environment" else None


react = ReAct(
    llm=Script(
        f"Thought: a sum\nAction: calculator\nAction Input: {json.dumps(sum_of)}", after_response
    ),
    action_executor=executor,
)
assert "42" in react.chat("What is 6 times 7?").response


def after_plan(prompt):
    return prompt.split("Response: ")[1].split()[0] if isinstance(prompt, str) else None


rewoo = ReWOO(
    llm=Script(f"Plan: work it out\n#E1 = calculator[{json.dumps(sum_of)}]", after_plan),
    action_executor=executor,
)
assert rewoo.chat("What is 6 times 7?").response == "Final Answer: 42"


class Mended(AutoGPTProtocol):
    """0.2.2's own reads `response` before there is one, so no command that works gets past it."""

    def format_response(self, action_return):
        text = f"Command {action_return.type} returned: {action_return.format_result()}"
        return {"role": "system", "content": text}


thoughts = dict.fromkeys(["text", "reasoning", "plan", "criticism", "speak"], "a sum")
command = {"thoughts": thoughts, "command": {"name": "calculator", "args": sum_of}}
autogpt = AutoGPT(
    llm=Script(json.dumps(command), lambda _: None),
    action_executor=executor,
    protocol=Mended(),
    max_turn=1,
).chat("What is 6 times 7?")
assert autogpt.inner_steps[-1]["content"] == "Command calculator returned: 42", autogpt


def internlm2(name, arguments):
    """The agent of the course's web demo, with the plugins that were picked there."""
    plugin = json.dumps({"name": name, "parameters": arguments}, ensure_ascii=False)
    said = f"I will look.<|action_start|><|plugin|>\n{plugin}<|action_end|>\n"
    return Internlm2Agent(
        llm=Script(said, after_environment),
        plugin_executor=executor,
        protocol=Internlm2Protocol(),
        max_turn=7,
    )


assert "42" in internlm2("calculator", sum_of).chat("What is 6 times 7?").response
for name, arguments, words in [
    ("ArxivSearch.get_arxiv_article_information", {"query": "InternLM2 Technical Report"}, "Title:"),
    ("WeatherQuery", {"query": "上海"}, "数据观测时间"),
]:
    states = []
    for step in internlm2(name, arguments).stream_chat("…"):
        states.append(step.state)
    assert AgentStatusCode.PLUGIN_RETURN in states and states[-1] == AgentStatusCode.END, states
    assert words in step.response, step.response
    assert step.actions[0].state == ActionStatusCode.SUCCESS, step.actions

wrong = executor("calculator", '{"expression": "6 *"}')
assert wrong.state == ActionStatusCode.ARGS_ERROR, wrong
assert wrong.errmsg.startswith("TG_EXPRESSION"), wrong
functions = len(executor.get_actions_info())
print(f"ReAct, ReWOO, AutoGPT and Internlm2Agent work on {functions} functions")
