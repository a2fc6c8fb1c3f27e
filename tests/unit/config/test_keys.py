"""The model's keys by name."""

from proxy.config.keys import hints_of, joined, required_of, scalar_keys, secret_keys
from proxy.config.model import Config, Route


def test_keys_are_listed_in_the_models_order() -> None:
    keys = [key for key, _ in scalar_keys(Config)]
    assert keys[0] == "listen.host"
    assert keys[-1] == "stopping.lame_duck"
    assert "upstream.timeout.first_byte" in keys
    assert "routes" in keys
    assert len(keys) == len(set(keys))


def test_secrets_and_required_keys_are_known() -> None:
    assert secret_keys() == ("listen.purge_token", "admin.token", "store.redis_url")
    assert required_of(Route) == ("name", "match")
    assert required_of(Config) == ()
    assert list(hints_of(Config))[:2] == ["listen", "admin"]
    assert (joined("", "a"), joined("a", "b")) == ("a", "a.b")
