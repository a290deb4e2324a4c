"""Finds the API key, in the order of trust, and keeps it out of sight: masked in every print, never an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scalpctl.errors import AccessRefused, ConfigurationError
from scalpctl.host.private_files import require_private
from scalpctl.settings.model import Credentials
from scalpctl.settings.source import read_yaml

MASK = "***"
PARTS = ("api_key", "secret", "passphrase")
_ENVIRONMENT = {"api_key": "SCALPCTL_API_KEY", "secret": "SCALPCTL_API_SECRET", "passphrase": "SCALPCTL_API_PASSPHRASE"}


class Secret:
    """A text that prints as ``***`` wherever it ends up; ``reveal`` is the one way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Hide a text."""
        self._text = text

    def reveal(self) -> str:
        """Give the text itself, to whoever signs with it."""
        return self._text

    def __repr__(self) -> str:
        """Give the mask."""
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Give the mask."""
        return MASK

    def __eq__(self, other: object) -> bool:
        """Compare without showing."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """Hash like the text."""
        return hash(self._text)

    def __reduce__(self) -> str:
        """Refuse to be pickled or copied into a file."""
        message = "a secret is not serialised"
        raise TypeError(message)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key with its secret and passphrase, where it was found, and what is wrong with keeping it there."""

    api_key: Secret
    secret: Secret
    passphrase: Secret
    origin: str
    warning: str | None = None


def find_key(settings: Credentials, environ: Mapping[str, str]) -> ApiKey:
    """Give the key from the first place that has one; none at all is a refusal that says where to put it."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if directory and (Path(directory) / "scalpctl").is_file():
        return _from_file(Path(directory) / "scalpctl", "systemd credential", private=False)
    if settings.file is not None:
        return _from_file(settings.file.expanduser(), str(settings.file), private=True)
    if settings.keyring_service is not None:
        return _from_keyring(settings.keyring_service)
    found = {part: environ.get(name, "") for part, name in _ENVIRONMENT.items()}
    if any(found.values()):
        warning = "the key comes from the environment, where other programs can read it; a 0600 file is safer"
        return _complete(found, "environment", warning)
    raise AccessRefused(
        "there is no API key",
        hint="set credentials.file to a file of mode 0600 with api_key, secret and passphrase; sim needs none",
    )


def _from_file(path: Path, origin: str, *, private: bool) -> ApiKey:
    if not path.is_file():
        raise AccessRefused(f"there is no credentials file {path}", hint="credentials.file names it")
    if private:
        require_private(path)
    source = read_yaml(str(path), path.read_text(encoding="utf-8"))
    unknown = sorted(source.values.keys() - set(PARTS))
    if source.problems or unknown:
        places = ", ".join(unknown) or source.problems[0].where
        raise ConfigurationError(f"{path}: only {', '.join(PARTS)} belong here (look at {places})")
    texts = {part: str(source.values.get(part) or "") for part in PARTS}
    return _complete(texts, origin, None)


def _from_keyring(service: str) -> ApiKey:
    try:
        import keyring
    except ImportError:
        raise AccessRefused("the keyring is not installed", hint="pip install 'scalpctl[keyring]'") from None
    texts = {part: keyring.get_password(service, part) or "" for part in PARTS}
    return _complete(texts, f"keyring {service}", None)


def _complete(texts: Mapping[str, str], origin: str, warning: str | None) -> ApiKey:
    missing = [part for part in PARTS if not texts[part]]
    if missing:
        raise AccessRefused(f"the key in the {origin} has no {' and no '.join(missing)}", hint="all three are needed")
    return ApiKey(Secret(texts["api_key"]), Secret(texts["secret"]), Secret(texts["passphrase"]), origin, warning)
