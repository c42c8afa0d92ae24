"""Choose a host, an image and changes from lists, and see the chain and what would move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from vmmaudit.change.changes import Change
from vmmaudit.display import framed, safe, visible
from vmmaudit.errors import AuditError
from vmmaudit.explore.extra import parts
from vmmaudit.explore.picture import Picture
from vmmaudit.explore.what_if import WhatIf
from vmmaudit.facts import Tree

if TYPE_CHECKING:
    import pandas as pd

    from vmmaudit.explore.exploration import Exploration

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "member": ("member", "group"),
    "no_member": ("member", "group"),
    "delegation": ("host", "library"),
    "any_protocol": ("host",),
    "spn": ("account", "spn"),
    "share_read": ("trustee", "share"),
    "file_read": ("trustee", "unc"),
    "restarted": ("host",),
}
"""What each kind of change (a method of `Suppose`) asks for, in the order of its arguments."""

_LABEL: Final = {"description_width": "11em"}
_LISTED: Final = 500
_OFFERED: Final = 2000


class Workbench:
    r"""Lists to choose from; what they do can be written as code as well.

    Choosing a host and an image is `audit.explain(host, file)`; *Suppose* collects changes made
    by `audit.suppose` and shows `audit.what_if(*changes)`. Both are kept here:

    audit.workbench.choose("hyper07.contoso.com", r"\\library01.contoso.com\MSSCVMMLibrary")
    audit.workbench.picture     # the chain that is shown
    audit.workbench.found       # the what-if that is shown
    audit.workbench.changes     # what is supposed

    Raises:
        MissingExtraError: the extra `[lab]` is not installed.
    """

    def __init__(self, exploration: Exploration) -> None:
        self._exploration = exploration
        self._texts = exploration.texts
        self._widgets = parts("ipywidgets")
        self.changes: tuple[Change, ...] = ()
        self.picture: Picture | None = None
        self.found: WhatIf | None = None
        self._choosing = False
        self._build()
        self._begin()

    def _build(self) -> None:
        """The widgets, without anything chosen yet."""
        make, word = self._widgets, self._word
        wide = make.Layout(width="min(46em, 100%)")
        scope = self._exploration.audit.scope
        hosts = self._exploration.matrix.hosts
        shares = [library.share for library in scope.libraries]
        self.host = self._chooser(word("host"), hosts, wide)
        self.library = self._chooser(word("library"), shares, wide)
        self.file = self._chooser(word("file"), (), wide)
        self.chain = make.HTML()
        kinds = [(word("suppose", kind), kind) for kind in FIELDS]
        self.kind = make.Dropdown(
            options=kinds, description=word("change"), style=_LABEL, layout=wide
        )
        self.fields: tuple[Any, ...] = ()
        self._fields = make.VBox()
        self.add = make.Button(description=word("add"), button_style="primary", icon="plus")
        self.suggest = make.Button(
            description=word("suggest"), icon="magic", layout=make.Layout(width="auto")
        )
        self.clear = make.Button(description=word("clear"), icon="undo")
        self.message = make.HTML()
        self.result = make.HTML()
        buttons = make.HBox(
            [self.add, self.suggest, self.clear], layout=make.Layout(flex_flow="row wrap")
        )
        what_if = make.HTML(framed(f"<h3>{safe(word('what_if'))}</h3>", language=self._language))
        self.box = make.VBox(
            [
                self.host, self.library, self.file, self.chain,
                what_if, self.kind, self._fields, buttons, self.message, self.result,
            ],
            layout=make.Layout(padding="4px 0"),
        )  # fmt: skip
        self.box.add_class("vmmaudit-workbench")

    def _begin(self) -> None:
        """Choose the chain with most wrong, and listen from then on."""
        self._ask()
        self.choose()
        self.host.observe(lambda _: self._show_chain(), "value")
        self.library.observe(lambda _: self._list_images(), "value")
        self.file.observe(lambda _: self._show_chain(), "value")
        self.kind.observe(lambda _: self._ask(), "value")
        self.add.on_click(lambda _: self._suppose())
        self.suggest.on_click(lambda _: self._suppose_what_is_needed())
        self.clear.on_click(lambda _: self._start_again())

    def choose(self, host: str = "", share: str = "") -> None:
        """Choose a host and a share by their names in the scope, and the image with most wrong.

        Without names the chain with most wrong is chosen.
        """
        self._say("")
        try:
            host, unc = self._exploration.worst(host, share)
        except AuditError as error:
            if host and share:
                self.host.value, self.library.value = host, share
            self._say(str(error))
            return
        library = next(s for s in self.library.options if unc.startswith(f"{s}\\"))
        self._choosing = True  # the lists are moved one by one, and the chain is shown once
        try:
            self.host.value, self.library.value = host, library
            self._list_images()
            self.file.value = unc[len(library) + 1 :]
        finally:
            self._choosing = False
        self._show_chain()

    def _chooser(self, label: str, options: Sequence[str], layout: Any) -> Any:
        """A list to choose from; a long one is a field that completes what is typed."""
        kind = self._widgets.Dropdown if len(options) <= _LISTED else self._widgets.Combobox
        return kind(options=options, description=label, style=_LABEL, layout=layout)

    def _list_images(self) -> None:
        """The images of the chosen share; the first of them is shown."""
        names = self._paths(self.library.value, images=True)[:_OFFERED]
        if tuple(names) != tuple(self.file.options):
            self.file.options = names
        if not names:
            self.picture = None
            self.chain.value = self._note("no_images")

    def _show_chain(self) -> None:
        if self._choosing or not self.host.value or not self.file.value:
            return
        unc = rf"{self.library.value}\{self.file.value}"
        try:
            self.picture = self._exploration.explain(self.host.value, unc)
        except AuditError as error:
            self._say(str(error))
            return
        self.chain.value = framed(self.picture.markup(), language=self._language)
        if self.changes:
            self._judge()

    def _ask(self) -> None:
        """The fields that the chosen kind of change needs."""
        wide = self._widgets.Layout(width="min(46em, 100%)")
        self.fields = tuple(
            self._widgets.Combobox(
                options=self._offers[name][:_OFFERED],
                description=self._word("field", name),
                placeholder=self._word("choose"),
                continuous_update=True,
                style=_LABEL,
                layout=wide,
            )
            for name in FIELDS[self.kind.value]
        )
        self._fields.children = self.fields

    @cached_property
    def _offers(self) -> Mapping[str, list[str]]:
        """What may be chosen for each field; other names may be typed."""
        exploration = self._exploration
        scope = exploration.audit.scope
        accounts = list(exploration.tables.accounts["account"])
        known = exploration.audit.facts.directory.known()
        groups = sorted(who.shown for who in known if "group" in who.classes)
        shares = [library.share for library in scope.libraries]
        places = [rf"{s}\{path}" for s in shares for path in self._paths(s, images=False)]
        return {
            "member": [*accounts, *groups],
            "trustee": [*groups, *accounts],
            "group": groups,
            "account": accounts,
            "host": [host.name for host in scope.hosts],
            "library": shares,
            "share": shares,
            "spn": list(dict.fromkeys(f"cifs/{library.unc_name}" for library in scope.libraries)),
            "unc": [*shares, *places],
        }

    def _paths(self, share: str, *, images: bool) -> list[str]:
        """The images of a share, or its folders and images."""
        audit = self._exploration.audit
        for library in audit.scope.libraries:
            tree = audit.facts.servers.tree(library)
            if library.share == share and isinstance(tree, Tree):
                return [i.path for i in tree.items if i.is_iso or (i.is_folder and not images)]
        return []

    def _suppose(self) -> None:
        make = getattr(self._exploration.suppose, self.kind.value)
        try:
            change = make(*(field.value.strip() for field in self.fields))
        except AuditError as error:
            self._say(str(error))
            return
        self._add(change)

    def _suppose_what_is_needed(self) -> None:
        needed = self.picture.explanation.needed.changes if self.picture else ()
        if needed:
            self._add(*needed)
        else:
            self._say(self._word("no_suggestion"))

    def _add(self, *changes: Change) -> None:
        self.changes = tuple(dict.fromkeys((*self.changes, *changes)))
        for field in self.fields:
            field.value = ""
        self._judge()

    def _start_again(self) -> None:
        self.changes, self.found = (), None
        self.message.value = self.result.value = ""

    def _judge(self) -> None:
        """Judge everything again, and show what moves and the chosen chain afterwards."""
        self._say(self._word("judging"))
        self.found = self._exploration.what_if(*self.changes)
        after = ""
        if self.picture:
            chain = self.picture.explanation
            picture = Picture(
                self.found.after.explain(chain.goal.host.name, chain.unc), self._texts
            )
            after = (
                f"<details open><summary>{safe(self._word('afterwards'))}</summary>"
                f"{picture.svg}</details>"
            )
        self.result.value = framed(self.found.markup(), after, language=self._language)
        self._say("")

    def _say(self, sentence: str) -> None:
        shown = f"<p class='warn'>{safe(sentence)}</p>" if sentence else ""
        self.message.value = framed(shown, language=self._language) if shown else ""

    def _note(self, name: str) -> str:
        return framed(f"<p class='note'>{safe(self._word(name))}</p>", language=self._language)

    def _word(self, *path: str) -> str:
        return visible(self._texts.word("explore", *path))

    @property
    def _language(self) -> str:
        return self._texts.language

    def to_frame(self) -> pd.DataFrame:
        """The verdicts that move, or the links of the chain where nothing is supposed."""
        import pandas as pd

        shown = self.found or self.picture
        return shown.to_frame() if shown else pd.DataFrame()

    def _repr_html_(self) -> str:
        """The chain as it is, where no widgets can be shown."""
        return str(self.chain.value)

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        """The widgets, and beside them the chain as it is where no widgets can be shown."""
        found = dict(self.box._repr_mimebundle_())
        return found | {"text/html": self.chain.value, "text/plain": str(self.picture)}
