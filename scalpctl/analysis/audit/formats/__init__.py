"""One audit, spelled for people, monitoring systems and build servers."""

from __future__ import annotations

from collections.abc import Callable

from scalpctl.analysis.audit.formats.checklist import checklist
from scalpctl.analysis.audit.formats.junit import junit
from scalpctl.analysis.audit.formats.monitoring import nagios, prometheus
from scalpctl.analysis.audit.formats.sarif import sarif
from scalpctl.analysis.audit.judging import Audit

FORMATS: dict[str, Callable[[Audit], str]] = {
    "checklist": checklist,
    "nagios": nagios,
    "prometheus": prometheus,
    "sarif": sarif,
    "junit": junit,
}
