"""Sign-in for a station's network: accounts with roles, sessions that end, and a door that guards every address.

In:     ``accounts.json`` of a workspace.
Out:    nothing but the sign-in page for whoever has not signed in; who acts, for the pages, for all others.
"""

from views.access.accounts import Accounts
from views.access.door import Door, begin
from views.access.own_pages import LOCAL, OwnPages
from views.access.page import account_line

__all__ = ["LOCAL", "Accounts", "Door", "OwnPages", "account_line", "begin"]
