"""The style sheet of every screen map, and the samples of its legend."""

from views.basemap.look import PAPER
from views.palette import HOTSPOT, INK, QUIET, VIEW

FONT = "'Noto Sans CJK SC','Microsoft YaHei','PingFang SC','Source Han Sans SC',sans-serif"

HALO = ", ".join(["0 0 2px #fff"] * 3 + ["0 0 4px #fff"] * 4)

STYLE = f"""
html, body {{ width: 100%; height: 100%; margin: 0; }}
.leaflet-container {{ background: {PAPER}; font-family: {FONT}; font-size: 12px; color: {INK}; }}
.leaflet-fills-pane {{ mix-blend-mode: multiply; }}
.xq-panel, .xq-mark {{ background: rgba(255,255,255,.94); border-radius: 4px; box-shadow: 0 1px 4px rgba(0,0,0,.18); }}
.xq-panel {{ padding: 7px 10px 8px; line-height: 1.35; max-width: 215px; max-height: 420px; overflow: auto; }}
.xq-panel summary {{ cursor: pointer; font-weight: 600; }}
.xq-panel details[open] summary {{ margin-bottom: 3px; }}
.xq-panel label, .xq-panel div.row {{ display: flex; align-items: center; gap: 6px; padding: 1px 0; }}
.xq-panel label {{ cursor: pointer; }}
.xq-panel input {{ margin: 0; accent-color: #1f5673; }}
.xq-panel svg {{ flex: none; }}
.xq-panel .note {{ color: {QUIET}; font-size: 11px; padding-top: 3px; }}
.xq-mark {{ padding: 3px 9px; color: #9a3412; font-weight: 600; }}
.xq-credit {{ background: rgba(255,255,255,.75); padding: 0 6px; font-size: 11px; color: {QUIET};
  margin: 0 !important; }}
.xq-name {{ white-space: nowrap; transform: translate(-50%, -50%); position: absolute; font-weight: 600;
  font-size: 13px; text-shadow: {HALO}; pointer-events: none; }}
.xq-zone {{ font-size: 14px; background: rgba(255,255,255,.82); border-radius: 3px; padding: 0 5px; }}
.xq-spot {{ font-size: 13px; color: {HOTSPOT}; transform: translate(9px, -50%); }}
.xq-spot-ink {{ font-size: 12px; background: rgba(255,255,255,.8); border-radius: 3px; padding: 0 3px; }}
.xq-count {{ width: 24px; height: 24px; border-radius: 50%; background: {VIEW}; border: 1.5px solid #fff; color: #fff;
  font: 600 12px/24px {FONT}; text-align: center; box-shadow: 0 1px 3px rgba(0,0,0,.35); }}
.xq-sign {{ transform: translate(-50%, -50%); position: absolute; line-height: 0; }}
.leaflet-tooltip {{ font-family: {FONT}; font-size: 12px; line-height: 1.45; }}
.leaflet-tooltip {{ padding: 5px 8px; border-color: #d5d0c6; color: {INK}; }}
.xq-card {{ position: absolute; left: 10px; bottom: 40px; z-index: 1000; width: min(310px, 46%); max-height: 62%;
  overflow: auto; background: rgba(255,255,255,.97); border-radius: 6px; box-shadow: 0 2px 12px rgba(0,0,0,.22);
  padding: 10px 14px 10px; font-size: 12.5px; line-height: 1.5; }}
.xq-card.xq-at-right {{ left: auto; right: 10px; }}
.leaflet-container:has(.xq-months) .xq-card {{ bottom: 96px; }}  /* the slider stands below */
.xq-close {{ float: right; border: 0; background: none; font-size: 18px; line-height: 1; cursor: pointer;
  color: {QUIET}; margin: -2px -6px 0 6px; padding: 2px 6px; }}
.xq-because {{ margin: 6px 0 0; padding: 6px 0 0 1.1em; border-top: 1px solid #eceae4; color: {INK}; }}
.xq-because li {{ margin: 0 0 3px; }}
.xq-tool {{ width: 30px; height: 30px; border: 0; background: #fff; cursor: pointer; padding: 7px 0 0;
  border-radius: 2px; color: {INK}; }}
.xq-tool[aria-pressed=true] {{ background: #1f5673; color: #fff; }}
.xq-measuring {{ cursor: crosshair !important; }}
.xq-length {{ font-weight: 600; }}
.xq-months {{ background: rgba(255,255,255,.95); border-radius: 6px; box-shadow: 0 1px 4px rgba(0,0,0,.2);
  padding: 6px 12px 4px; width: 330px; max-width: 60vw; }}
.xq-months output {{ display: block; font-size: 12px; font-variant-numeric: tabular-nums; }}
.xq-months .two {{ display: flex; gap: 10px; }}
.xq-months input {{ flex: 1; min-width: 0; accent-color: #1f5673; }}
:focus-visible {{ outline: 2px solid #1f5673 !important; outline-offset: 1px; }}
@media (pointer: coarse) {{
  .leaflet-bar a, .leaflet-touch .leaflet-bar a, .xq-tool, .xq-close {{ width: 40px; height: 40px; line-height: 40px; }}
  .xq-panel label {{ min-height: 40px; }}
  .xq-panel summary {{ line-height: 40px; }}
  .xq-months input {{ height: 40px; }}
  .leaflet-container:has(.xq-months) .xq-card {{ bottom: 118px; }}
}}
.xq-tip b {{ font-size: 13px; }}
.xq-tip table {{ border-collapse: collapse; margin-top: 2px; }}
.xq-tip td {{ padding: 0 8px 0 0; vertical-align: top; }}
.xq-tip td:first-child {{ color: {QUIET}; white-space: nowrap; }}
.leaflet-bar a, .leaflet-control-scale-line {{ color: {INK}; }}
path.leaflet-interactive:focus:not(:focus-visible) {{ outline: none; }}
"""


def svg(body: str, *, size: int = 16) -> str:
    """Return one small drawing, in a box of 16 × 13 units."""
    return f'<svg width="{size}" height="{round(size * 0.8)}" viewBox="0 0 16 13" aria-hidden="true">{body}</svg>'


def swatch(colour: str, *, opacity: float, line: str = "", dash: str = "") -> str:
    """Return the sample of an area."""
    edge = f'stroke="{line or colour}" stroke-width="1.4" stroke-dasharray="{dash}"'
    return svg(f'<rect x="1" y="1.5" width="14" height="9" rx="1.5" fill="{colour}" fill-opacity="{opacity}" {edge}/>')


def line_sample(colour: str, *, dash: str = "", width: float = 1.6) -> str:
    """Return the sample of a line."""
    return svg(f'<path d="M0 6 H16" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"/>')
