from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmmaudit.imports import sc
from vmmaudit.imports.record import ImportsError, Record

CONFIGURED = """
C:\\>sc qc SCVMMService
[SC] QueryServiceConfig {word}

SERVICE_NAME: SCVMMService
        TYPE               : 10  WIN32_OWN_PROCESS
        START_TYPE         : 2   AUTO_START  (DELAYED)
        ERROR_CONTROL      : 1   NORMAL
        BINARY_PATH_NAME   : "C:\\Program Files\\VMM\\vmmservice.exe" /x:y
        LOAD_ORDER_GROUP   :
        TAG                : 0
        DISPLAY_NAME       : System Center Virtual Machine Manager
        DEPENDENCIES       : RPCSS
                           : Winmgmt
        SERVICE_START_NAME : CONTOSO\\svc-vmm
"""
RUNNING = """
SERVICE_NAME: SCVMMAgent
DISPLAY_NAME: System Center: Agent
        TYPE               : 10  WIN32_OWN_PROCESS
        STATE              : 4  RUNNING
                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)
        WIN32_EXIT_CODE    : 0  (0x0)
        SERVICE_EXIT_CODE  : 0  (0x0)
        CHECKPOINT         : 0x0
        WAIT_HINT          : 0x0
        PID                : 1234
        FLAGS              :

SERVICE_NAME: Spooler
        TYPE               : 110  WIN32_OWN_PROCESS  (interactive)
        STATE              : 1  STOPPED
"""
MISSING = """
[SC] OpenService {word} 1060:

{sentence}

"""


def services(text: str) -> list[Record]:
    return list(sc.records(text, "sc.txt"))


@pytest.mark.parametrize("word", ["SUCCESS", "ERFOLG"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_qc(word: str, end: str):
    (found,) = services(CONFIGURED.format(word=word).replace("\n", end))
    assert found.line == 5
    assert found.text("service_name") == "SCVMMService"
    assert found.text("SERVICE_START_NAME") == "CONTOSO\\svc-vmm"
    assert found.text("START_TYPE") == "2   AUTO_START  (DELAYED)"
    assert found.all("DEPENDENCIES") == ("RPCSS", "Winmgmt")
    assert found.text("BINARY_PATH_NAME") == '"C:\\Program Files\\VMM\\vmmservice.exe" /x:y'


def test_queryex():
    agent, spooler = services(RUNNING)
    assert agent.text("DISPLAY_NAME") == "System Center: Agent"
    assert agent.text("STATE") == "4  RUNNING (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)"
    assert agent.text("PID") == "1234"
    assert agent.values["FLAGS"] == ()
    assert spooler.text("STATE") == "1  STOPPED"


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("FAILED", "The specified service does not exist as an installed service."),
        ("FEHLER", "Der angegebene Dienst ist kein installierter Dienst."),
    ],
)
def test_no_such_service(word: str, sentence: str):
    missing, agent, _ = services(MISSING.format(word=word, sentence=sentence) + RUNNING)
    assert missing.values == {"ERROR": ("1060",)}
    assert agent.text("SERVICE_NAME") == "SCVMMAgent"


def test_translated_labels_are_told_by_their_place():
    labels = ("TYPE", "START_TYPE", "ERROR_CONTROL", "BINARY_PATH_NAME", "LOAD_ORDER_GROUP", "TAG",
              "DEPENDENCIES", "SERVICE_START_NAME")  # fmt: skip
    text = CONFIGURED.format(word="RÉUSSITE(S)")
    for number, label in enumerate((*labels, "DISPLAY_NAME", "SERVICE_NAME")):
        text = text.replace(f" {label} ", f" ETIQUETTE{number} ")
    (found,) = services(text.replace("SERVICE_NAME:", "NOM_SERVICE:"))
    assert found.text("SERVICE_NAME") == "SCVMMService"
    assert found.text("SERVICE_START_NAME") == "CONTOSO\\svc-vmm"
    assert found.text("DISPLAY_NAME") == "System Center Virtual Machine Manager"


@pytest.mark.parametrize("text", ["words\n", "        TYPE : 10\n"])
def test_what_is_wrong_is_said_with_its_line(text: str):
    with pytest.raises(ImportsError, match=r"^sc\.txt, line 1: this is not the output"):
        services(text)


@given(st.text(alphabet="A: \n\r[SC]1060x\u00fc(", max_size=40), st.integers(0, len(RUNNING)))
@settings(max_examples=300, deadline=None)
def test_hostile_text(text: str, place: int):
    said = ""
    try:
        services(RUNNING[:place] + text + RUNNING[place:])
    except ImportsError as error:
        said = str(error)
    assert not said or said.startswith("sc.txt, line ")
