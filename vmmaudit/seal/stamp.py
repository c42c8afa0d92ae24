"""What a signature shows on paper: a small PDF set by Typst.

A library's own text stamp embeds its font in a way that ends PDF/A (glyph widths, ISO 19005-3
6.2.11.5). The texts are handed over as data, never as Typst source: a certificate's names
are somebody else's words.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

import typst

_FONTS: Final = Path(__file__).resolve().parent.parent / "_fonts"
_SOURCE: Final = """
#let size = (width: float(sys.inputs.width) * 1pt, height: float(sys.inputs.height) * 1pt)
#set document(title: "signature")
#set page(..size, margin: 2pt, fill: none)
#set text(font: ("Source Sans Pro", "DejaVu Sans"), 6.4pt, hyphenate: false, ligatures: false)
#set par(leading: 0.42em, spacing: 0.42em)
#align(horizon + left, layout(space => {
  let body = block(width: space.width, {
    text(8.4pt, weight: 600, sys.inputs.name)
    for line in sys.inputs.lines.split("\\n") { linebreak(); line }
  })
  let needed = measure(body, width: space.width).height
  let factor = calc.min(1, space.height / needed) * 100%
  scale(factor, origin: left + horizon, reflow: true, body)
}))
"""


def stamp(width: float, height: float, name: str, lines: tuple[str, ...]) -> bytes:
    """A one-page PDF of `width` × `height` points with the signer's name and some lines."""
    texts = {"name": name, "lines": "\n".join(lines)}
    try:
        return _compiled(width, height, texts)
    except typst.TypstError:  # PDF/A refuses a letter that the shipped fonts do not have
        plain = {
            key: text.encode("latin-1", "replace").decode("latin-1") for key, text in texts.items()
        }
        return _compiled(width, height, plain)


def moment_lines(moment: datetime, issuer: str) -> tuple[str, ...]:
    """Local time with its distance from UTC, and who issued the certificate."""
    local = moment.astimezone()
    return (f"{local:%Y-%m-%d %H:%M:%S} (UTC{local.isoformat()[-6:]})", issuer)


def _compiled(width: float, height: float, texts: dict[str, str]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="vmmaudit-") as folder:
        source = Path(folder, "stamp.typ")
        source.write_text(_SOURCE, encoding="utf-8")
        return typst.compile(
            str(source),
            root=folder,
            font_paths=[str(_FONTS)],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["a-3b"],
            timestamp=0,
            sys_inputs={"width": str(width), "height": str(height), **texts},
        )
