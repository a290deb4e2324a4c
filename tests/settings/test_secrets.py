"""Keys come from the most private place there is, and never come out again."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

from scalpctl.errors import AccessRefused, ConfigurationError
from scalpctl.settings.loading import load
from scalpctl.settings.model import Credentials
from scalpctl.settings.secrets import Secret, find_key

CANARY = "SCALPCANARY-7f3a"
FILE = f"api_key: {CANARY}-key\nsecret: {CANARY}-secret\npassphrase: {CANARY}-pass\n"
NOWHERE = Credentials(file=None, keyring_service=None)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.yaml"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


def test_a_private_file_gives_the_key(key_file: Path) -> None:
    key = find_key(Credentials(file=key_file, keyring_service=None), {})
    assert key.secret.reveal() == f"{CANARY}-secret"
    assert key.warning is None


def test_a_file_that_others_can_read_is_refused(key_file: Path) -> None:
    key_file.chmod(0o644)
    with pytest.raises(AccessRefused, match="can be read or written by others") as refused:
        find_key(Credentials(file=key_file, keyring_service=None), {})
    assert refused.value.exit_code == 77


def test_the_systemd_credential_comes_first(key_file: Path, tmp_path: Path) -> None:
    directory = tmp_path / "credentials"
    directory.mkdir()
    (directory / "scalpctl").write_text(FILE.replace(CANARY, "SYSTEMD"))
    key = find_key(Credentials(file=key_file, keyring_service=None), {"CREDENTIALS_DIRECTORY": str(directory)})
    assert key.api_key.reveal() == "SYSTEMD-key"


def test_the_environment_works_with_a_warning() -> None:
    environ = {"SCALPCTL_API_KEY": "a", "SCALPCTL_API_SECRET": "b", "SCALPCTL_API_PASSPHRASE": "c"}
    key = find_key(NOWHERE, environ)
    assert key.passphrase.reveal() == "c"
    assert key.warning is not None
    with pytest.raises(AccessRefused, match="no secret and no passphrase"):
        find_key(NOWHERE, {"SCALPCTL_API_KEY": "a"})


def test_no_key_at_all_says_where_to_put_one(tmp_path: Path) -> None:
    with pytest.raises(AccessRefused, match="there is no API key") as refused:
        find_key(NOWHERE, {})
    assert "0600" in (refused.value.hint or "")
    with pytest.raises(AccessRefused, match="no credentials file"):
        find_key(Credentials(file=tmp_path / "none", keyring_service=None), {})


def test_a_key_file_with_something_else_in_it_is_refused_without_showing_it(key_file: Path) -> None:
    key_file.write_text(FILE + f"other: {CANARY}\n")
    with pytest.raises(ConfigurationError) as refused:
        find_key(Credentials(file=key_file, keyring_service=None), {})
    assert CANARY not in str(refused.value)


def test_the_keyring_is_an_extra(tmp_path: Path) -> None:
    try:
        import keyring  # noqa: F401
    except ImportError:
        with pytest.raises(AccessRefused, match="keyring is not installed"):
            find_key(Credentials(file=None, keyring_service="scalpctl"), {})


def test_a_secret_never_shows() -> None:
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>20}",
        "%s" % secret,
        repr([secret]),
        repr({"a": secret}),
    ]
    assert all(CANARY not in text for text in shown)
    assert secret == Secret(CANARY)
    assert hash(secret) == hash(Secret(CANARY))
    assert secret != CANARY
    for leak in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            leak(secret)
    assert not hasattr(secret, "__dict__")


def test_a_relative_key_file_lies_beside_the_configuration_wherever_one_stands(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = key_file.parent / "scalpctl.yaml"
    config.write_text(f"env: demo\ncredentials: {{file: {key_file.name}}}\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert find_key(load(config, {}).credentials, {}).api_key.reveal()
    monkeypatch.chdir(key_file.parent)
    assert find_key(load(Path("scalpctl.yaml"), {}).credentials, {}).api_key.reveal()
