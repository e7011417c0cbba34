"""The JSON Schema of a dossier (docs/dossier.schema.json), made from the models and the catalogue.

python -m disbursement.entitlements.dossier_schema > docs/dossier.schema.json
"""

from __future__ import annotations

import json
from typing import Any

from disbursement.entitlements.dossier import MONTH_SCHEMA, Dossier
from disbursement.entitlements.dossier_facts import MERITS, OTHER_MERITS
from disbursement.programmes.catalogue import FactKind, fact_kinds, fixed_categories
from disbursement.programmes.list_rates import shipped_list_rates

_DAY = {"type": "string", "format": "date"}
_IDS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
_DECEASED = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["merits"],
        "properties": {
            "name": {"type": "string"},
            "merits": {"type": "array", "minItems": 1, "items": {"enum": [*MERITS, *OTHER_MERITS]}},
            "injury_pct": {"type": "integer", "minimum": 0, "maximum": 100},
            "died": _DAY,
        },
    },
}


def _fact(kind: FactKind) -> dict[str, Any]:
    types: dict[str, dict[str, Any]] = {
        "choice": {"enum": list(kind.choices)},
        "yes_no": {"type": "boolean"},
        "day": _DAY,
        "money": {"type": "integer", "minimum": 0},
        "count": {"type": "integer", "minimum": 0, "maximum": 10_000},
        "person": {"type": "string"},
        "people": {"anyOf": [_IDS, {"type": "integer", "minimum": 0, "maximum": 30}]},
        "months": {"type": "array", "minItems": 1, "items": MONTH_SCHEMA},
        "deceased": _DECEASED,
    }
    return {**types[kind.type], "description": kind.meaning_en}


def dossier_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a dossier."""
    schema = Dossier.model_json_schema(by_alias=True)
    categories = {**fixed_categories(), **shipped_list_rates().categories()}
    facts = {
        "type": "object",
        "additionalProperties": False,
        "description": "Each category knows its own; see docs/dossier.md.",
        "properties": {name: _fact(kind) for name, kind in fact_kinds().items()},
    }
    for name, model in schema["$defs"].items():
        properties = model.get("properties", {})
        if "facts" in properties:
            properties["facts"] = {"$ref": "#/$defs/Facts"}
        if name == "CaseIn":
            properties["category"] = {
                "type": "string",
                "description": "A category of docs/dossier.md; another is answered 'not covered'.",
                "examples": sorted(categories),
            }
    schema["$defs"]["Facts"] = facts
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def main() -> None:
    """Print the schema."""
    print(json.dumps(dossier_schema(), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
