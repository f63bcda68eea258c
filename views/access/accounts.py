"""The accounts of a workspace: a name, a role and the hash of a password.

In:     names, roles and passwords from the command line of the machine that holds the workspace.
Out:    ``accounts.json``, readable by its owner only; the role of whoever gives a right password.
Method: Argon2id at the parameters of RFC 9106 that the library keeps up to date; an older hash is renewed at the next
        sign-in. A name that does not exist costs as much time as one that does.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gis_data.acting import SIGNED_IN, Role
from gis_data.errors import InputError, WorkspaceError
from gis_data.workspace import Workspace, write_atomically

SHORTEST = 10
LONGEST = 200  # a password is hashed before it is known to be right: a book sent as one must not cost a second
NAME = re.compile(r"[\w.\-]{1,32}")


@dataclass(frozen=True)
class Account:
    """One account as it is kept."""

    role: Role
    password: str
    """Argon2id hash in PHC form."""


class Accounts:
    """The accounts of one workspace, read again whenever the file has changed."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._path = ws.root / "accounts.json"
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash("nobody's password")
        self._known: dict[str, Account] = {}
        self._stamp = -1

    def roles(self) -> dict[str, Role]:
        """Return the role of each account by name."""
        return {name: account.role for name, account in self._accounts().items()}

    def add(self, name: str, role: str, password: str) -> None:
        """Add an account, or give an account another role and password.

        Raises
        ------
        InputError
            If the name, the role or the password is not one that can be used.
        """
        check_account(name, role)
        check_password(password, name=name)
        found = self._accounts()
        action = "access.changed" if name in found else "access.added"
        self._write(found | {name: Account(_role(role), self._hasher.hash(password))})
        self._ws.log(action, account=name, role=role)

    def remove(self, name: str) -> None:
        """Remove an account; its open sessions end with it.

        Raises
        ------
        InputError
            If there is no such account.
        """
        found = dict(self._accounts())
        if found.pop(name, None) is None:
            if not found:
                raise InputError("access.none_to_remove", found=name)
            raise InputError("access.no_account", found=name, known=list(found))
        self._write(found)
        self._ws.log("access.removed", account=name)

    def check(self, name: str, password: str) -> Role | None:
        """Return the account's role if the password is right, else None; takes about as long either way."""
        account = self._accounts().get(name)
        try:
            self._hasher.verify(account.password if account else self._nobody, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return None
        if account is None:
            return None
        if self._hasher.check_needs_rehash(account.password):
            renewed = Account(account.role, self._hasher.hash(password[:LONGEST]))
            self._write(self._accounts() | {name: renewed})
        return account.role

    def stamp_of(self, name: str) -> str:
        """Return what changes when an account's password or role does ("" if there is none)."""
        account = self._accounts().get(name)
        return f"{account.role} {account.password}" if account else ""

    def _accounts(self) -> dict[str, Account]:
        try:
            stamp = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if stamp != self._stamp:
            self._known = _parsed(self._path)
            self._stamp = stamp
        return self._known

    def _write(self, accounts: Mapping[str, Account]) -> None:
        content = {name: asdict(account) for name, account in sorted(accounts.items())}
        write_atomically(self._path, json.dumps(content, ensure_ascii=False, indent=1), secret=True)


def check_account(name: str, role: str) -> None:
    """Refuse a name or role that cannot be used; to be asked before a person types a password twice.

    Raises
    ------
    InputError
        With the rule that was broken.
    """
    if not NAME.fullmatch(name):
        raise InputError("access.name", found=name)
    if role not in SIGNED_IN:
        raise InputError("access.role", found=role, known=list(SIGNED_IN))


def check_password(password: str, *, name: str) -> None:
    """Refuse a password that is short, long, one letter over and over, or made of the account's name.

    Raises
    ------
    InputError
        With the rule that was broken.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError("access.password_length", least=SHORTEST, most=LONGEST)
    if name.casefold() in password.casefold() or len(set(password)) < 5:
        raise InputError("access.password_easy")


def _role(word: str) -> Role:
    return next(role for role in get_args(Role) if role == word)


def _parsed(path: Path) -> dict[str, Account]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {str(name): Account(row["role"], row["password"]) for name, row in content.items()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as problem:
        raise WorkspaceError("workspace.damaged", file=path, problem=problem) from problem
    if any(account.role not in SIGNED_IN for account in found.values()):
        raise WorkspaceError("workspace.damaged", file=path, problem="role")
    return found
