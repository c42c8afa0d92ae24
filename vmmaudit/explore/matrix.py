"""Hosts × library shares, worst host first; with a second assessment, before and after."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from vmmaudit.assessment import Assessment, Readiness
from vmmaudit.controls.texts import Texts
from vmmaudit.display import Tone, framed, safe
from vmmaudit.errors import UsageError
from vmmaudit.explore.extra import interactive
from vmmaudit.report.material import tone

if TYPE_CHECKING:
    import pandas as pd

    from vmmaudit.explore.grid import Clickable
    from vmmaudit.explore.workbench import Workbench

_ORDER: Final = (Tone.BAD, Tone.UNKNOWN, Tone.WARN, Tone.GOOD, Tone.NONE)
_HOSTS: Final = 500


@dataclass(frozen=True, repr=False)
class Matrix:
    """Which host is ready for which library share.

    A place shows a symbol and the first control that breaks the chain. With `before`, places
    that changed show both states. `to_frame()` has all hosts; the picture has the worst ones.
    In JupyterLab a click on a place of `audit.matrix` shows its chain.

    Attributes:
        bench: gives the workbench that shows the chain of a place; None: places are only seen.
    """

    assessment: Assessment
    texts: Texts
    before: Assessment | None = None
    bench: Callable[[], Workbench] | None = field(default=None, compare=False)

    @cached_property
    def _pairs(self) -> Mapping[str, Mapping[str, Readiness]]:
        return _by_host(self.assessment)

    @cached_property
    def _old(self) -> Mapping[str, Mapping[str, Readiness]]:
        return _by_host(self.before) if self.before else {}

    @cached_property
    def shares(self) -> tuple[str, ...]:
        """The library shares in the order of the assessment."""
        return tuple(dict.fromkeys(pair.share for pair in self.assessment.readiness))

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The hosts, worst first (as it was before, where there is a before)."""
        pairs = self._old or self._pairs
        return tuple(sorted(self._pairs, key=lambda host: _badness(host, pairs.get(host, {}))))

    def to_frame(self) -> pd.DataFrame:
        """Hosts × shares with `good`, `warn`, `bad`, `unknown` or `none`."""
        import pandas as pd

        rows = [
            [self._tone(self._pairs, host, share) for share in self.shares] for host in self.hosts
        ]
        return pd.DataFrame(rows, index=list(self.hosts), columns=list(self.shares))

    @staticmethod
    def _tone(pairs: Mapping[str, Mapping[str, Readiness]], host: str, share: str) -> str | None:
        found = pairs.get(host, {}).get(share.lower())
        return tone(found).value if found else None

    def has(self, host: str, share: str) -> bool:
        """Whether this place was judged; a share may not be every host's."""
        return share.lower() in self._pairs.get(host, {})

    def markup(self) -> str:
        """The table and its key, as markup for a frame."""
        texts = self.texts
        if not self._pairs:
            return f"<p class='note'>{safe(texts.word('explore', 'no_rows'))}</p>"
        heads = "".join(f"<th scope='col'>{safe(share)}</th>" for share in self.shares)
        rows = "".join(
            f"<tr><th scope='row'>{safe(host)}</th>"
            + "".join(self._cell(host, share) for share in self.shares)
            + "</tr>"
            for host in self.hosts[:_HOSTS]
        )
        more = len(self.hosts) - _HOSTS
        note = texts.fill(texts.word("explore", "more_hosts"), {"number": more}) if more > 0 else ""
        return (
            f"<div class='scroll matrix'><table><thead><tr>"
            f"<th scope='col'>{safe(texts.word('explore', 'column', 'host'))}</th>{heads}</tr>"
            f"</thead><tbody>{rows}</tbody></table></div>{self._key()}"
            + (f"<p class='note'>{safe(note)}</p>" if note else "")
        )

    def _cell(self, host: str, share: str) -> str:
        pair = self._pairs[host].get(share.lower())
        if pair is None:
            return "<td></td>"
        state = tone(pair)
        broken = pair.broken[0] if pair.broken else ""
        was = self._old.get(host, {}).get(share.lower())
        moved = was is not None and (tone(was), was.broken[:1]) != (state, pair.broken[:1])
        old = ""
        if moved and was is not None:
            first = f"<small>{safe(was.broken[0])}</small>" if was.broken else ""
            old = f"<span class='was'>{tone(was).symbol}{first} → </span>"
        tip = f"{host} → {share}: {self.texts.label('readiness', state.value)}"
        if broken:
            tip += f" ({broken} {self.texts.control(broken).title})"
        small = f"<small>{safe(broken)}</small>" if broken else ""
        return (
            f"<td class='{state.value}{' moved' if moved else ''}' title='{safe(tip)}'>"
            f"{old}{state.symbol}{small}</td>"
        )

    def _key(self) -> str:
        counts = Counter(tone(pair) for pair in self.assessment.readiness)
        return "<p class='key'>" + "".join(
            f"<span class='{state.value}'>{state.symbol} "
            f"{safe(self.texts.label('readiness', state.value))}: "
            f"{self.texts.number(counts[state])}</span>"
            for state in reversed(_ORDER)
            if counts[state]
        ) + "</p>"  # fmt: skip

    def _repr_html_(self) -> str:
        title = safe(self.texts.word("explore", "table", "matrix"))
        return framed(f"<h3>{title}</h3>", self.markup(), language=self.texts.language)

    def widget(self) -> Clickable:
        """The matrix to click into, with the chain of the chosen place beneath it.

        Raises:
            UsageError: there is no workbench to show a chain, as for a *what if*.
        """
        from vmmaudit.explore.grid import Clickable

        if self.bench is None:
            raise UsageError("This matrix has no chains to show; use the audit's own.")
        return Clickable(self, self.bench)

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        """The matrix to click into where it can be shown, and beside it as it is."""
        plain = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        if self.bench is None or not interactive():
            return plain
        found: Mapping[str, Any] = self.widget().box._repr_mimebundle_()
        return plain | {key: value for key, value in found.items() if key != "text/plain"}

    def __repr__(self) -> str:
        return str(self.to_frame())


def _by_host(assessment: Assessment) -> Mapping[str, Mapping[str, Readiness]]:
    found: dict[str, dict[str, Readiness]] = {}
    for pair in assessment.readiness:
        found.setdefault(pair.host, {})[pair.share.lower()] = pair
    return found


def _badness(host: str, pairs: Mapping[str, Readiness]) -> tuple[Sequence[int], object]:
    states = Counter(tone(pair) for pair in pairs.values())
    natural = [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"([0-9]+)", host) if p]
    return [-states[state] for state in _ORDER[:3]], natural
