"""The composition root: the only module that names concrete adapters."""

from __future__ import annotations
