"""Compiles the conditions of verdicts (JMESPath), and says where one is wrong. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
import jmespath.exceptions
from jmespath.functions import Functions

from proxy.policy.route import Condition
from proxy.wording import nearest

_FUNCTIONS: Mapping[str, Mapping[str, Any]] = Functions.FUNCTION_TABLE


def compile_condition(expression: str) -> Condition:
    """The compiled expression. Raises ValueError: what is wrong with it, in one line.

    Functions are looked up here already; the library would do so with the first body only.
    """
    try:
        compiled = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(_explained(error)) from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    for name, given in _calls(compiled.parsed):
        if name not in _FUNCTIONS:
            near = nearest(name, _FUNCTIONS)
            raise ValueError(f"has no function {name}()" + (f"; did you mean {near}()?" if near else ""))
        signature = _FUNCTIONS[name]["signature"]
        if given < len(signature) or (given > len(signature) and not signature[-1].get("variadic")):
            raise ValueError(f"{name}() takes {len(signature)} argument{'s' * (len(signature) != 1)}, not {given}")
    return compiled


def _calls(node: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    for child in node["children"]:
        if isinstance(child, Mapping):
            yield from _calls(child)


def _explained(error: jmespath.exceptions.JMESPathError) -> str:
    place = getattr(error, "lex_position", None)
    what = str(error).partition("\n")[0].rstrip(":").rpartition(": ")[2].lower() or "cannot be read"
    return f"is not JMESPath: {what}" + (f" at column {place + 1}" if isinstance(place, int) else "")
