"""The sign-in page: one small page without scripts or files, in both languages."""

import html

from gis_data.acting import Actor, may
from gis_data.catalogue import LANGUAGES, text

STYLE = """
body { font: 16px/1.5 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif; color: #2b2a28;
  background: #f5f3ee; margin: 0; display: grid; place-items: center; min-height: 100vh; }
form { background: #fff; border: 1px solid #dedad2; border-radius: 6px; padding: 2rem; width: 21rem; }
h1 { font-size: 1.25rem; margin: 0 0 .2rem; }
p { margin: 0 0 1rem; color: #6b675f; font-size: .9rem; }
p.problem { color: #9a3412; font-weight: 600; }
label { display: block; font-size: .9rem; margin: .7rem 0 .3rem; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .55rem .6rem; border: 1px solid #8b867c;
  border-radius: 4px; }
button { font: inherit; margin-top: 1.5rem; width: 100%; padding: .65rem; color: #fff; background: #1f5673; border: 0;
  border-radius: 4px; cursor: pointer; }
:focus-visible { outline: 2px solid #1f5673; outline-offset: 1px; }
"""
AS_A_LINK = "font:inherit;padding:0;border:0;background:none;color:#1f5673;text-decoration:underline;cursor:pointer"


def sign_in_page(following: str, *, problem: str = "") -> str:
    """Return the page as HTML; ``following`` is where a right password leads, ``problem`` a sentence's key."""
    told = f'<p class="problem" role="alert">{_both(problem, "<br>")}</p>' if problem else ""
    return f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{_both("access.title")}</title>
<style>{STYLE}</style></head><body><form method="post" action="/sign-in">
<h1>{_both("access.title")}</h1><p>{_both("access.help", "<br>")}</p>{told}
<label for="name">{_both("access.account")}</label>
<input id="name" name="name" autocomplete="username" autofocus required maxlength="32">
<label for="password">{_both("access.password")}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200">
<input type="hidden" name="next" value="{html.escape(following, quote=True)}">
<button>{_both("access.sign_in")}</button></form></body></html>"""


def account_line(who: Actor, *, cell_m: float) -> str:
    """Return the lines of the side bar that say who is signed in, what that account does not see, and the way out."""
    said = html.escape(text("access.row", name=who.name, role=text(f"access.role.{who.role}")))
    out = f"<button style='{AS_A_LINK}'>{html.escape(text('access.sign_out'))}</button>"
    coarse = "" if may("points") else html.escape(text("access.coarse", metres=f"{cell_m:.0f}"))
    return f"""<div style="font-size:.87rem;line-height:1.6;color:#55524c">{said}
<form method="post" action="/sign-out" style="margin:0">{out}</form>{coarse}</div>"""


def _both(key: str, between: str = " / ") -> str:
    return between.join(html.escape(text(key, lang=lang)) for lang in LANGUAGES)
