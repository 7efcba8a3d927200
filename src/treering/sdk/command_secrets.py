"""
Secrets on command lines that only the program's own options tell: ``mysql -pSECRET``, ``curl -u ada:SECRET``.

Without such a program, ``-p`` is a password where a user was named just before it: ``-u ada -p SECRET``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["may_be_command", "secret_parts", "shell_words"]

_MYSQL = "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mariadb mariadb-dump mariadb-admin mariadb-import"

# Programs → options whose value is a secret. A colon: what comes behind it in the value (user:secret); likewise for a
# percent sign. An equals sign: only a value that is attached to the option.
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_MYSQL.split(), ("-p=",)),
    **dict.fromkeys(("7z", "7za", "7zr", "rar", "unrar"), ("-p=",)),
    **dict.fromkeys(("zip", "unzip", "sqlcmd", "bcp", "mosquitto_pub", "mosquitto_sub", "ipmitool"), ("-P",)),
    **dict.fromkeys(("sshpass", "twine", "mongo", "mongosh", "mongodump", "mongorestore", "cqlsh", "psexec"), ("-p",)),
    **dict.fromkeys(("docker", "podman", "nerdctl", "buildah", "skopeo", "oc", "helm", "az"), ("-p",)),
    **dict.fromkeys(("ldapsearch", "ldapmodify", "ldapadd", "ldapwhoami", "rabbitmqadmin"), ("-w",)),
    **dict.fromkeys(("curl", "wget", "xh"), ("-u:", "--user:", "-U:", "--proxy-user:")),
    **dict.fromkeys(("http", "https", "httpie"), ("-a:", "--auth:")),
    "redis-cli": ("-a", "--pass"),
    "smbclient": ("-U%", "--user%"),
    "openssl": ("-passin:", "-passout:", "-pass:"),
}
_LOGINS: Final = frozenset("docker podman nerdctl buildah skopeo oc helm az".split())  # elsewhere -p is a port there
_USER_OPTIONS: Final = frozenset(("-u", "-U", "--user", "--username"))
# A text without one of these holds no such command.
_SIGN: Final = re.compile(rf"\b(?:{'|'.join(map(re.escape, _OPTIONS))})[\s\"']|(?<!\w)(?:-[uU]|--user)")
_WORD: Final = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"']|["'])+""")
_ENDS: Final = frozenset(("|", "||", "&&", ";", "&"))
_NUMBER: Final = re.compile(r"[\d.:,/+-]+(?:tcp|udp)?\Z")
_AROUND: Final = "\"'`$()[]{};,"
_WORDS_MAX: Final = 2_000


def may_be_command(text: str) -> bool:
    """Return whether it is worth looking for a command line in *text*: hardly any line that is printed has one."""
    if " -" in text or '"-' in text or "'-" in text:
        return _SIGN.search(text) is not None
    return False


def shell_words(line: str) -> list[re.Match[str]]:
    """Return the words of a line as a shell would cut it, quotes and all; of a very long line the first ones."""
    words = []
    for found in _WORD.finditer(line):
        words.append(found)
        if len(words) == _WORDS_MAX:
            break
    return words


def secret_parts(given: Sequence[str]) -> dict[int, int]:
    """
    Return which words hold a secret: place of the word → the place in it where the secret begins.

    Quotes and brackets around a word are none of it, so that a list in a program is a command line, too.
    """
    words = [word.strip(_AROUND) or word for word in given]
    found = _secret_parts(words)
    return {at: begin + max(0, given[at].find(words[at])) for at, begin in found.items()}


def _secret_parts(words: Sequence[str]) -> dict[int, int]:
    found: dict[int, int] = {}
    options: tuple[str, ...] = ()
    program = ""
    user_at = -1  # the last word that belongs to a chain of options which begins with a user's name
    for at, word in enumerate(words):
        name = word.rpartition("/")[2]
        if word in _ENDS:
            options, program, user_at = (), "", -1
        elif name in _OPTIONS and not word.startswith("-"):
            options, program, user_at = _OPTIONS[name], name, -1
        elif word.startswith("-"):
            if user_at == at - 1 and program not in _OPTIONS and _is_p(word):
                _add(found, words, at, 2, strict=True)
            elif options and not (program in _LOGINS and "login" not in words[:at]):
                _look(found, words, at, options)
            following = words[at + 1] if at + 1 < len(words) else "-"
            if (word in _USER_OPTIONS or user_at == at - 1) and not following.startswith("-"):
                user_at = at + 1
            elif user_at == at - 1:
                user_at = at
    return found


def _is_p(word: str) -> bool:
    return word.startswith("-p") and not word.startswith(("-pass", "-port", "-path"))


def _look(found: dict[int, int], words: Sequence[str], at: int, options: tuple[str, ...]) -> None:
    word = words[at]
    for option in options:
        name, mark = (option[:-1], option[-1]) if option[-1] in ":%=" else (option, "")
        if not (word == name or word.startswith(name if len(name) == 2 else f"{name}=")):
            continue
        if mark == "=" and word == name:
            return  # the program asks for it
        begin = len(name) + (word[len(name) : len(name) + 1] == "=")
        if mark in (":", "%"):
            place, begin = (at, begin) if len(word) > begin else (at + 1, 0)
            divider = words[place].find(mark, begin) if place < len(words) else -1
            plain = ("env:", "file:", "fd:", "http://", "https://")
            if divider > 0 and not words[place].startswith(plain, begin):
                found[place] = divider + 1
        else:
            _add(found, words, at, begin)
        return


def _add(found: dict[int, int], words: Sequence[str], at: int, begin: int, *, strict: bool = False) -> None:
    """Note what is attached to an option from *begin* on, or the word behind it. *strict*: no number."""
    place, begin = (at, begin) if len(words[at]) > begin else (at + 1, 0)
    if place >= len(words) or (place > at and words[place].startswith("-")):
        return
    value = words[place][begin:].strip(_AROUND)
    if value and not (strict and _NUMBER.match(value)) and not value.startswith("["):
        found[place] = begin
