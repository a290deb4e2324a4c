"""Makes foreign text harmless before a terminal, a table or a log line sees it."""

from __future__ import annotations

import re

_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]")


def inert(text: str) -> str:
    """Replace control characters, direction switches and invisible ones by a visible mark."""
    return _HARMFUL.sub("\N{REPLACEMENT CHARACTER}", text)
