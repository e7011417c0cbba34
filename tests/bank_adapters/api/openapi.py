"""Messages against the published OpenAPI file of GSMA Mobile Money 1.2 (not copied into this repo).

Stricter than the file: a property that it does not name is a fault too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

SPECS = Path(__file__).parents[3] / "../shared/specs/gsma"
DISBURSEMENTS = "mobile-money-api-specification-1.2.0-disbursements.yaml"
MASTER = "mobile-money-api-specification-1.2.0-master_0.yaml"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class OpenApi:
    """One OpenAPI file; AssertionError says what a message breaks."""

    def __init__(self, name: str) -> None:
        self.document = yaml.safe_load((SPECS / name).read_text())
        # YAML reads response codes as numbers; a JSON pointer wants text.
        self.registry = Registry().with_resource(
            "urn:gsma", DRAFT4.create_resource(json.loads(json.dumps(self.document, default=str)))
        )
        self.checked: list[str] = []

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        template, operation = self._operation(method, path)
        given = {k.lower(): v for k, v in headers.items()}
        query = dict(parse_qsl(urlsplit(path).query))
        in_path = re.fullmatch(_pattern(template), urlsplit(path).path).groupdict()
        named = [self._resolved(p) for p in operation.get("parameters", ())]
        named += [self._resolved(p) for p in self.document["paths"][template].get("parameters", ())]
        for one in named:
            where = {"header": given, "query": query, "path": in_path}[one["in"]]
            key = one["name"].lower() if one["in"] == "header" else one["name"]
            if key in where:
                value: Any = where[key]
                if one["schema"].get("type") == "integer":
                    value = int(value)
                self._valid(one["schema"], value, f"{method} {path} {one['name']}")
            else:
                assert not one.get("required"), f"{method} {path}: {one['name']} is missing"
        known = {one["name"] for one in named if one["in"] == "query"}
        assert set(query) <= known, f"{method} {path}: unknown query {set(query) - known}"
        if "requestBody" in operation:
            content = self._resolved(operation["requestBody"])["content"]["application/json"]
            self._valid(content["schema"], json.loads(body), f"{method} {path} body")
        else:
            assert body == b"", f"{method} {path} takes no body"
        self.checked.append(f"{method} {template}")

    def response(self, method: str, path: str, status: int, body: bytes) -> None:
        template, operation = self._operation(method, path)
        responses = {int(code): value for code, value in operation["responses"].items()}
        assert status in responses, f"{method} {template} has no answer {status}"
        content = responses[status].get("content")
        if content is None:
            assert body == b"", f"{method} {template} {status} has no body"
        else:
            schema = content["application/json"]["schema"]
            self._valid(schema, json.loads(body), f"{method} {template} {status}")
        self.checked.append(f"{method} {template} {status}")

    def schema(self, name: str, value: Any) -> None:
        self._valid({"$ref": f"#/components/schemas/{name}"}, value, name)
        self.checked.append(name)

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        plain = urlsplit(path).path
        found = [t for t in self.document["paths"] if re.fullmatch(_pattern(t), plain)]
        # A literal path wins over one with parameters, as in OpenAPI.
        found.sort(key=lambda t: t.count("{"))
        for template in found:
            if method.lower() in self.document["paths"][template]:
                return template, self.document["paths"][template][method.lower()]
        raise AssertionError(f"{method} {plain} is not in the specification")

    def _resolved(self, value: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in value:
            found: Any = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def _valid(self, schema: dict[str, Any], value: Any, what: str) -> None:
        absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:gsma#/'))
        faults = [
            f"{list(e.absolute_path)}: {e.message}"
            for e in Draft4Validator(absolute, registry=self.registry).iter_errors(value)
        ]
        assert not faults, f"{what}: {faults[:3]}"
        for path, fault in self._extra(schema, value, what):
            raise AssertionError(f"{path}: {fault}")

    def _extra(self, schema: dict[str, Any], value: Any, path: str) -> Iterator[tuple[str, str]]:
        schema = self._resolved(schema)
        if isinstance(value, list) and "items" in schema:
            for one in value:
                yield from self._extra(schema["items"], one, f"{path}[]")
        timed = isinstance(value, str) and schema.get("format") == "date-time"
        if timed and not _TIME.fullmatch(value):
            yield path, f"{value!r} is no date-time"
        if isinstance(value, dict):
            named = self._properties(schema)
            for key, one in value.items():
                if key not in named:
                    yield path, f"property {key} is not in the specification"
                else:
                    yield from self._extra(named[key], one, f"{path}.{key}")

    def _properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        schema = self._resolved(schema)
        out = dict(schema.get("properties", {}))
        for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
            out.update(self._properties(part))
        return out


def _pattern(template: str) -> str:
    return re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)


@lru_cache(maxsize=2)
def _load(name: str) -> OpenApi:
    return OpenApi(name)


def open_api(name: str = DISBURSEMENTS) -> OpenApi:
    """Return the specification, or skip the test where it is not beside this checkout."""
    if not (SPECS / name).is_file():
        pytest.skip("shared/specs is not beside this checkout")
    return _load(name)
