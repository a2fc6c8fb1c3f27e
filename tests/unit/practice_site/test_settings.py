"""Reading the environment."""

from pathlib import Path

import pytest

from scraper_backend.practice_site.settings import BadSettingError, Settings, from_environment


def test_nothing_said_means_the_defaults() -> None:
    assert from_environment({}) == Settings()
    assert from_environment({"PORT": "", "HOST": "", "PRACTICE_DELAY": " "}) == Settings()
    assert (Settings().port, Settings().host, Settings().delay) == (8900, "127.0.0.1", 0.25)


def test_everything_said(tmp_path: Path) -> None:
    file = tmp_path / "switches.json"
    file.write_text('{"switches": [{"switch": "reset", "nth": 1}]}', encoding="utf-8")
    read = from_environment(
        {
            "PORT": "0",
            "HOST": "0.0.0.0",
            "PRACTICE_DELAY": "1.5",
            "PRACTICE_SEED": "seven",
            "PRACTICE_TOKEN_BLOCK": "0",
            "PRACTICE_SWITCHES": str(file),
        }
    )
    assert (read.port, read.host, read.delay, read.seed, read.token_block) == (0, "0.0.0.0", 1.5, "seven", 0)
    assert [rule.as_json() for rule in read.switches] == [{"switch": "reset", "nth": 1}]
    assert len(from_environment({"PRACTICE_SWITCHES": ' [{"switch": "hang"}]'}).switches) == 1


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "http", "PORT='http': expected a whole number from 0 to 65535"),
        ("PORT", "70000", "PORT='70000'"),
        ("PORT", "80.5", "expected a whole number"),
        ("PRACTICE_DELAY", "-1", "PRACTICE_DELAY='-1': expected a number from 0 to 100"),
        ("PRACTICE_DELAY", "nan", "PRACTICE_DELAY='nan'"),
        ("PRACTICE_SWITCHES", "/nowhere.json", "PRACTICE_SWITCHES=/nowhere.json: cannot be read"),
        ("PRACTICE_SWITCHES", "[1", "PRACTICE_SWITCHES: not JSON"),
        ("PRACTICE_SWITCHES", '[{"switch": "rest"}]', "the nearest known one is 'reset'"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(BadSettingError) as caught:
        from_environment({name: value})
    assert says in str(caught.value)
