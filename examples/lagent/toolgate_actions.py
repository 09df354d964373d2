"""Toolgate's tools as Lagent actions: `ActionExecutor(toolgate_actions("http://127.0.0.1:8642"))`."""
from functools import partial

import requests
from lagent.actions.base_action import BaseAction
from lagent.schema import ActionReturn, ActionStatusCode, ActionValidCode


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
    headers = {"X-API-Key": key} if key else {}

    def call(name, /, **arguments):  # a tool may have an argument called name
        url = f"{gateway}/lagent/{name}"
        answer = requests.post(url, json=arguments, headers=headers, timeout=120).json()
        state, valid = ActionStatusCode(answer.pop("state")), ActionValidCode(answer.pop("valid"))
        return ActionReturn(state=state, valid=valid, **answer)

    toolkits = {}
    for function in requests.get(f"{gateway}/registry/lagent{query}", headers=headers).json():
        toolkits.setdefault(function["name"].split(".")[0], []).append(function)
    return [ToolgateAction(call, name, functions) for name, functions in toolkits.items()]
