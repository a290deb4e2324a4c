"""SARIF 2.1.0, for whatever shows findings beside code."""

from __future__ import annotations

import json
from typing import Any

from scalpctl.analysis.audit.findings import RED, Finding, Judged
from scalpctl.analysis.audit.judging import Audit

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(audit: Audit) -> str:
    """Give one run with every check as a rule and every finding as a result."""
    rules = [_rule(one) for one in audit.judged]
    results = [_result(one, finding) for one in audit.judged for finding in one.findings]
    driver = {"name": "scalpctl audit", "rules": rules}
    whole = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(whole, indent=2) + "\n"


def _rule(one: Judged) -> dict[str, Any]:
    return {
        "id": one.check.id,
        "shortDescription": {"text": one.check.title},
        "fullDescription": {"text": one.check.page},
        "help": {"text": one.check.cure},
        "defaultConfiguration": {"level": "error" if one.check.severity is RED else "warning"},
    }


def _result(one: Judged, finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": one.check.id,
        "level": "error" if finding.severity is RED else "warning",
        "message": {"text": f"{finding.subject}: {finding.what}"},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": finding.subject}]}],
        "properties": {"rows": json.loads(json.dumps(finding.rows, default=str))},
    }
