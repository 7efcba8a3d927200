"""Where a run goes and with which key: what is said, what was logged in to, and what is never taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from treering.errors import AccessDenied
from treering.sdk.credentials import Credentials, Login, credentials_path, plain_url
from treering.sdk.settings import Settings

LAB, OTHER = "https://lab.example", "https://other.example"


def keep(environ: dict[str, str], *urls: str, default: bool = False) -> None:
    for url in urls:
        Credentials(environ).put(url, Login(f"trk_of_{url[8:11]}", "ada", "team"), make_default=default)


def resolve(environ: dict[str, str], tmp_path: Path, **given: object) -> Settings:
    return Settings.resolve(given, environ, tmp_path)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "TREERING_DIR": str(tmp_path / "data")}


def test_without_a_word_and_without_a_default_login_a_run_stays_here(environ: dict[str, str], tmp_path: Path) -> None:
    keep(environ, LAB)

    assert resolve(environ, tmp_path).mode == "local"


def test_online_takes_the_only_login_with_its_key_and_entity(environ: dict[str, str], tmp_path: Path) -> None:
    keep(environ, LAB)
    found = resolve(environ, tmp_path, mode="online")

    assert (found.mode, found.base_url, found.api_key, found.entity) == ("online", LAB, "trk_of_lab", "team")


def test_of_two_logins_none_is_guessed(environ: dict[str, str], tmp_path: Path) -> None:
    keep(environ, LAB, OTHER)

    assert resolve(environ, tmp_path, mode="online").mode == "local"


def test_a_default_login_makes_online_the_default_and_offline_still_wins(
    environ: dict[str, str], tmp_path: Path
) -> None:
    keep(environ, LAB, default=True)

    assert resolve(environ, tmp_path).base_url == LAB
    assert resolve(environ, tmp_path, mode="offline").mode == "offline"


def test_a_key_is_used_for_its_own_host_only(environ: dict[str, str], tmp_path: Path) -> None:
    keep(environ, LAB)

    assert resolve(environ, tmp_path, base_url="HTTPS://Lab.example:443/").api_key == "trk_of_lab"
    assert resolve(environ, tmp_path, base_url="https://lab.example.evil.example").api_key == ""
    assert resolve(environ, tmp_path, base_url="http://lab.example").api_key == ""


def test_keys_and_addresses_of_another_product_are_never_taken(environ: dict[str, str], tmp_path: Path) -> None:
    foreign = {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": "https://api.wandb.example", "WANDB_MODE": "online"}
    found = resolve({**environ, **foreign}, tmp_path)

    assert (found.mode, found.base_url, found.api_key) == ("local", "", "")


def test_settings_do_not_show_the_key(environ: dict[str, str], tmp_path: Path) -> None:
    found = resolve(environ, tmp_path, base_url=LAB, api_key="trk_secret")

    assert "trk_secret" not in repr(found)
    assert "trk_secret" not in str(found)
    assert "trk_secret" not in repr(Login("trk_secret"))


def test_a_file_that_others_can_read_is_not_used(environ: dict[str, str], tmp_path: Path) -> None:
    keep(environ, LAB)
    path = credentials_path(environ)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)

    with pytest.raises(AccessDenied, match="chmod 600"):
        Credentials(environ)


def test_the_place_follows_xdg_and_a_broken_file_says_so(environ: dict[str, str], tmp_path: Path) -> None:
    environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    keep(environ, LAB)
    path = tmp_path / "config" / "treering" / "credentials.json"
    assert path.is_file()
    path.write_text("{")
    os.chmod(path, 0o600)

    with pytest.raises(AccessDenied, match="log in again"):
        Credentials(environ)


def test_addresses_are_compared_in_one_form() -> None:
    assert plain_url(" HTTPS://Lab.Example:443/ring/ ") == "https://lab.example/ring"
    assert plain_url("http://lab:80") == "http://lab"
    assert plain_url("http://lab:6464") == "http://lab:6464"
