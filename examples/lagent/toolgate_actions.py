"""Toolgate's tools as Lagent actions: `ActionExecutor(toolgate_actions("http://127.0.0.1:8642"))`."""
import json
from functools import partial
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from lagent.actions.base_action import BaseAction
from lagent.schema import ActionReturn, ActionStatusCode, ActionValidCode


def ask(url, key=None, body=None):
    headers = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {})}
    data = None if body is None else json.dumps(body).encode()
    try:
        return json.load(urlopen(Request(url, data, headers), timeout=120))
    except HTTPError as error:  # a failed call is an ActionReturn, too
        return json.load(error)


class ToolgateAction(BaseAction):
    """One tool, or the methods of one toolkit, of a gateway."""

    def __init__(self, call, name, functions):
        methods = [{**f, "name": f["name"].partition(".")[2] or "run"} for f in functions]
        self._is_toolkit = "." in functions[0]["name"]
        for function, method in zip(functions, methods):
            setattr(self, method["name"], partial(call, function["name"]))
        about = {"name": name, "description": functions[0]["description"], "api_list": methods}
        super().__init__(about if self._is_toolkit else functions[0])


def toolgate_actions(gateway, key=None, query=""):
    def call(name, /, **arguments):  # a tool may have an argument called name
        answer = ask(f"{gateway}/lagent/{name}", key, arguments)
        state, valid = ActionStatusCode(answer.pop("state")), ActionValidCode(answer.pop("valid"))
        return ActionReturn(state=state, valid=valid, **answer)

    toolkits = {}
    for function in ask(f"{gateway}/registry/lagent{query}", key):
        toolkits.setdefault(function["name"].split(".")[0], []).append(function)
    return [ToolgateAction(call, name, functions) for name, functions in toolkits.items()]
