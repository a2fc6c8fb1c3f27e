"""Under which key a request's answer is looked up and stored: what No-Vary-Search rules were learned. Judges nothing.

A rule that is not known here, after a restart or in another process, costs one fetch and never a wrong answer: a
search key is its rule's own.
"""

from collections import OrderedDict
from typing import Final

from proxy.policy.cache_key import CacheKey, cache_key, has_kin, kinship, search_key
from proxy.policy.messages import RequestHead, StoredResponse
from proxy.policy.no_vary_search import FIELD, SearchRule, search_rule
from proxy.policy.route import Match

_SUCCESS: Final = 2
MOST: Final = 10_000
"""Paths that are remembered."""


class Keys:
    """Makes keys, and remembers paths that have others than their URLs', each with its latest rule."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rules: OrderedDict[str, SearchRule | None] = OrderedDict()
        """None: only content keys."""

    def of(self, request: RequestHead, match: Match) -> CacheKey:
        """The key to look under."""
        key = cache_key(request, match)
        if not self._rules:
            return key
        rule = self._rules.get(kinship(key.text))
        return key if rule is None else search_key(key, rule)

    def learned(self, asked: CacheKey, request: RequestHead, match: Match, stored: StoredResponse) -> CacheKey:
        """The key to store under what was asked for under ``asked``; its rule is its path's from now on."""
        path, says = kinship(asked.text), FIELD in stored.fields
        if request.method == "QUERY":
            self._remember(path, self._rules.get(path))
            return asked
        if not says and (stored.status // 100 != _SUCCESS or not (path in self._rules or has_kin(asked.text))):
            return asked  # an error says nothing of what a success would say
        rule, key = search_rule(stored.fields.joined(FIELD)), cache_key(request, match)
        if rule is not None or path in self._rules:
            self._remember(path, rule)
        return key if rule is None else search_key(key, rule)

    def has_kin(self, key: CacheKey) -> bool:
        """Whether anything was stored here for this URL's path under a key that is not a URL's own."""
        return bool(self._rules) and kinship(key.text) in self._rules

    def _remember(self, path: str, rule: SearchRule | None) -> None:
        self._rules[path] = rule
        self._rules.move_to_end(path)
        if len(self._rules) > self._most:
            self._rules.popitem(last=False)
