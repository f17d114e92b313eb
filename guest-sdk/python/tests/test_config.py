"""Configs: what is read, and what is refused by its field."""

import unittest
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal

from cardea.config import ConfigError, Duration, parse


@dataclass
class Rule:
    weight: float


@dataclass
class Config:
    backend: str
    limit: int = 3
    max_age: Duration | None = None
    allow: list[IPv4Network | IPv6Network] = field(default_factory=list)
    mode: Literal["soft", "hard"] = "soft"
    rules: dict[str, Rule] = field(default_factory=dict)

    def __post_init__(self):
        if not 1 <= self.limit <= 10:
            raise ConfigError("config.limit", "not from 1 to 10")


class Configs(unittest.TestCase):
    def test_a_config_is_read_with_its_defaults(self):
        text = '{"backend": "b", "max-age": "2m", "allow": ["10.0.0.0/8"], "rules": {"a": {"weight": 1}}}'
        expected = Config("b", 3, timedelta(minutes=2), [ip_network("10.0.0.0/8")], "soft", {"a": Rule(1.0)})
        self.assertEqual(parse(text, Config), expected)

    def test_without_a_type_it_is_what_json_says(self):
        self.assertEqual(parse('{"a": [1]}', None), {"a": [1]})

    def test_what_is_wrong_is_refused_by_its_field(self):
        for text, message in [
            ("null", "config.backend: missing"),
            ("[]", "config: expected an object, got a list"),
            ('{"backend": 7}', "config.backend: expected a text, got 7"),
            ('{"backend": "b", "smörgås": 1}', "config.smörgås: no such field"),
            ('{"backend": "b", "limit": 2.5}', "config.limit: expected a whole number, got 2.5"),
            ('{"backend": "b", "limit": true}', "config.limit: expected a whole number, got true"),
            ('{"backend": "b", "limit": 11}', "config.limit: not from 1 to 10"),
            ('{"backend": "b", "max_age": "5"}', "config.max_age: expected a length of time"),
            ('{"backend": "b", "allow": ["10.0.0.1/8"]}', "config.allow[0]: 10.0.0.1/8 has host bits set"),
            ('{"backend": "b", "mode": "firm"}', "config.mode: expected one of soft, hard"),
            ('{"backend": "b", "rules": {"a": {"weight": "1"}}}', 'config.rules.a.weight: expected a number, got "1"'),
            ('{"backend": "b", "rules": {"a": {}}}', "config.rules.a.weight: missing"),
        ]:
            with self.assertRaises(ConfigError) as caught:
                parse(text, Config)
            self.assertTrue(str(caught.exception).startswith(message), caught.exception)


if __name__ == "__main__":
    unittest.main()
