"""Compares what client and origin saw with what a step expects. Speaks to nobody."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.conformance.scenario import How, Step
from tests.conformance.wire import Message

CONDITIONS = ("if-none-match", "if-modified-since")


@dataclass(frozen=True)
class Judge:
    """Judges one step of a row: ``got`` is the client's answer, ``asked`` what the origin was asked."""

    step: Step
    stored: Step
    """The one whose reply a cached answer is."""
    asked: Sequence[Message]
    content: Callable[[Step], bytes]
    """The body of a step's reply."""
    filled: Callable[[str], str]

    def problems(self, got: Message) -> Iterator[str]:
        """Everything that is not as expected, in words."""
        step = self.step
        yield from self._how(step.how, got)
        yield from self._status_and_body(got)
        yield from self._fields("client", got, step.has, step.lacks)
        if step.sent or step.unsent:
            yield from self._fields("origin", self.asked[0], step.sent, step.unsent) if self.asked else ["not asked"]
        seen = tuple(head.status for head in got.interim)
        if step.interim not in (None, seen):
            yield f"interim {seen}, not {step.interim}"
        if step.asked not in (None, len(self.asked)):
            yield f"asked {len(self.asked)} times"

    def _how(self, how: How, got: Message) -> Iterator[str]:
        conditional = any(request.get(name) is not None for request in self.asked for name in CONDITIONS)
        if how is How.CACHED and self.asked:
            seen = "the origin was asked"
        elif how in (How.CACHED, How.ANY, How.REFRESHED):
            return
        elif not self.asked:
            seen = "the origin was not asked"
        elif how is How.STOOD_IN or conditional is (how is How.VALIDATED):
            return
        else:
            seen = f"asked {'under a' if conditional else 'without a'} condition"
        yield f"{seen} ({got.start}; {got.get('cache-status')})"

    def _status_and_body(self, got: Message) -> Iterator[str]:
        step = self.step
        source = self.stored if step.is_from_store else step
        said = None if source.reply is None or source.reply.wire is not None else source.reply.status
        wanted = said if step.status is None else step.status
        if wanted is not None and got.status not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            yield f"status {got.start!r}, not {wanted}"
        if step.complete not in (None, got.complete):
            yield f"complete: {got.complete}"
        body = step.body
        if body is None and said is not None and step.status in (None, said):
            body = self.content(source)
        if step.method != "HEAD" and got.status not in (204, 304) and body not in (None, got.body):
            yield f"body {got.body[:60]!r}, not {(body or b'')[:60]!r}"

    def _fields(self, who: str, message: Message, has: Sequence[str], lacks: Sequence[str]) -> Iterator[str]:
        for line in has:
            name, colon, wanted = line.partition(": ")
            value, wanted = message.get(name), self.filled(wanted)
            if value is None:
                yield f"{who}: {name} missing"
            elif colon and not (re.search(wanted[1:], value) if wanted.startswith("~") else value == wanted):
                yield f"{who}: {name} is {value!r}, not {wanted!r}"
        yield from (f"{who}: {name} is there: {message.get(name)!r}" for name in lacks if message.get(name) is not None)
